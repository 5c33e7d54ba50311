/** Chains as they are run: who is called for which kind and type of stanza, worked out when interceptors change and not per stanza. */
import type { Band, InterceptorFilter, Session, Stanza, StanzaKind } from '@beaconfire/plugin-sdk'
import { CallList } from './call-list.js'
import type { GuardedInterceptor } from './guarded-interceptor.js'

const BAND_ORDER: readonly Band[] = ['guard', 'transform', 'observe']
/** The most frequent first. */
const TYPES: Readonly<Record<StanzaKind, readonly string[]>> = {
  message: ['chat', 'groupchat', 'normal', 'headline', 'error'],
  presence: ['available', 'unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'],
  iq: ['get', 'result', 'set', 'error'],
}

export type Interceptors = readonly GuardedInterceptor[]

/** Who is called for stanzas of one type that cross, before the act and after it. */
export interface Way {
  readonly before: CallList
  readonly after: CallList
}

/** Who is called for one kind of stanza in one direction. */
export class Stages {
  /** True when somebody narrows by type. */
  readonly isTyped: boolean
  readonly #before: Interceptors
  readonly #after: Interceptors
  readonly #types: readonly string[]
  readonly #ways: readonly Way[]
  /** Where nobody narrows by type; then none is read from a stanza. */
  readonly #forAll: Way | undefined

  constructor(kind: StanzaKind, before: Interceptors, after: Interceptors) {
    this.isTyped = [...before, ...after].some((it) => it.called.when?.type !== undefined)
    this.#before = before
    this.#after = after
    this.#types = TYPES[kind]
    this.#ways = this.isTyped ? this.#types.map((type) => this.#wayOf(type)) : []
    this.#forAll = this.isTyped ? undefined : { before: new CallList(before, before), after: new CallList(after, after) }
  }

  /** Those that want the packet as it is now. */
  of(packet: Stanza): Way {
    if (this.#forAll !== undefined) return this.#forAll
    const { type } = packet
    const types = this.#types
    for (let i = 0; i < types.length; i++) if (types[i] === type) return this.#ways[i] as Way
    return this.#wayOf(type)
  }

  #wayOf(type: string): Way {
    return { before: new CallList(wanting(this.#before, type), this.#before), after: new CallList(wanting(this.#after, type), this.#after) }
  }
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
    ordered.filter((it) => wantsStage(it.called.when, kind, incoming, processed))
  const stages = (kind: StanzaKind, incoming: boolean) => new Stages(kind, stage(kind, incoming, false), stage(kind, incoming, true))
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
