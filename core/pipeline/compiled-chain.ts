/** Chains as they are run: who is called for which kind and type of stanza, worked out when interceptors change and not per stanza. */
import type { Band, InterceptorFilter, Session, Stanza, StanzaKind } from '@beaconfire/plugin-sdk'
import type { GuardedInterceptor } from './guarded-interceptor.js'

const BAND_ORDER: readonly Band[] = ['guard', 'transform', 'observe']
const TYPES: Readonly<Record<StanzaKind, readonly string[]>> = {
  message: ['normal', 'chat', 'groupchat', 'headline', 'error'],
  presence: ['available', 'unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'],
  iq: ['get', 'set', 'result', 'error'],
}

export type Interceptors = readonly GuardedInterceptor[]

/** Who is called for one kind of stanza, in one direction, before or after the act. */
export class Stage {
  readonly all: Interceptors
  /** By type; undefined while nobody narrows by type. */
  readonly #byType: ReadonlyMap<string, Interceptors> | undefined
  /** Types that somebody may change a packet of. */
  readonly #rewritten: ReadonlySet<string>

  constructor(all: Interceptors, kind: StanzaKind) {
    this.all = all
    if (all.some((it) => it.called.when?.type !== undefined)) this.#byType = new Map(TYPES[kind].map((type) => [type, wanting(all, type)]))
    this.#rewritten = new Set(TYPES[kind].filter((type) => wanting(all, type).some((it) => !it.called.readOnly)))
  }

  get isTyped(): boolean {
    return this.#byType !== undefined
  }

  mayRewrite(packet: Stanza): boolean {
    return this.#rewritten.size > 0 && this.#rewritten.has(packet.type)
  }

  /** Those that want the packet as it is now. */
  of(packet: Stanza): Interceptors {
    if (this.#byType === undefined) return this.all
    return this.#byType.get(packet.type) ?? wanting(this.all, packet.type)
  }
}

export interface Stages {
  readonly before: Stage
  readonly after: Stage
}

export interface CompiledChain {
  readonly incoming: Readonly<Record<StanzaKind, Stages>>
  readonly outgoing: Readonly<Record<StanzaKind, Stages>>
}

/** All chains, as they are until interceptors change again. */
export class CompiledChains {
  readonly #global: Interceptors
  readonly #ofUser = new Map<string, GuardedInterceptor[]>()
  readonly #forAll: CompiledChain
  /** Filled as users turn up: compiling for all of them at each change would cost too much where there are many. */
  readonly #forUser = new Map<string, CompiledChain>()

  constructor(interceptors: Interceptors) {
    this.#global = interceptors.filter((it) => it.called.user === undefined)
    for (const it of interceptors) {
      const { user } = it.called
      if (user === undefined) continue
      const others = this.#ofUser.get(user)
      if (others) others.push(it)
      else this.#ofUser.set(user, [it])
    }
    this.#forAll = compile(this.#global)
  }

  of(session: Session): CompiledChain {
    if (this.#ofUser.size === 0 || session.kind !== 'client') return this.#forAll
    return this.#chainOfUser(session.jid.local)
  }

  #chainOfUser(user: string): CompiledChain {
    const compiled = this.#forUser.get(user)
    if (compiled) return compiled
    const own = this.#ofUser.get(user)
    if (!own) return this.#forAll
    const chain = compile([...this.#global, ...own])
    this.#forUser.set(user, chain)
    return chain
  }
}

function compile(interceptors: Interceptors): CompiledChain {
  const ordered = [...interceptors].sort((a, b) => BAND_ORDER.indexOf(a.called.band) - BAND_ORDER.indexOf(b.called.band))
  const stage = (kind: StanzaKind, incoming: boolean, processed: boolean) =>
    new Stage(
      ordered.filter((it) => wantsStage(it.called.when, kind, incoming, processed)),
      kind,
    )
  const stages = (kind: StanzaKind, incoming: boolean) => ({ before: stage(kind, incoming, false), after: stage(kind, incoming, true) })
  const direction = (incoming: boolean) => ({
    message: stages('message', incoming),
    presence: stages('presence', incoming),
    iq: stages('iq', incoming),
  })
  return { incoming: direction(true), outgoing: direction(false) }
}

export function wantsStage(when: InterceptorFilter | undefined, kind: StanzaKind, incoming: boolean, processed: boolean): boolean {
  if (when === undefined) return true
  return includes(when.stanza, kind) && (when.incoming ?? incoming) === incoming && (when.processed ?? processed) === processed
}

export function wantsType(when: InterceptorFilter | undefined, type: string): boolean {
  return includes(when?.type, type)
}

function wanting(interceptors: Interceptors, type: string): Interceptors {
  return interceptors.filter((it) => wantsType(it.called.when, type))
}

function includes(wanted: string | readonly string[] | undefined, value: string): boolean {
  return wanted === undefined || wanted === value || (typeof wanted !== 'string' && wanted.includes(value))
}
