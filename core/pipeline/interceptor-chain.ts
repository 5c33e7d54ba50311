/**
 * Leads every packet past the interceptors twice: before the act, when they may rewrite or reject it, and after it, when
 * they may only watch. What the act is (route a packet just read, write one out) is the caller's. The one call site.
 */
import {
  type Band,
  isPromise,
  type Logger,
  type MaybePromise,
  type PacketInterceptor,
  PacketRejected,
  type RoutedNotes,
  type Session,
  type Stanza,
  type StanzaKind,
} from '@beaconfire/plugin-sdk'
import { type Origin, PacketCrossing } from './crossing.js'
import { Deadlines } from './deadlines.js'
import { GuardedInterceptor, type InterceptorStatus } from './guarded-interceptor.js'

const BAND_ORDER: readonly Band[] = ['guard', 'transform', 'observe']
const KINDS: readonly StanzaKind[] = ['message', 'presence', 'iq']

type Interceptors = readonly GuardedInterceptor[]

/** Who is called for one kind of stanza, in one direction. */
interface Stage {
  readonly before: Interceptors
  readonly after: Interceptors
}

interface CompiledChain {
  readonly incoming: Readonly<Record<StanzaKind, Stage>>
  readonly outgoing: Readonly<Record<StanzaKind, Stage>>
}

/** What is done with the packet between the two passes. @returns false when it came to nothing */
export type Act = (packet: Stanza, session: Session, origin: Origin) => MaybePromise<boolean>
/** Told of a rejection before the act. */
export type OnRejected = (rejection: PacketRejected, packet: Stanza, session: Session) => MaybePromise<void>

export class InterceptorChain {
  #guarded: readonly GuardedInterceptor[] = []
  #forAll: CompiledChain
  readonly #forUser = new Map<string, CompiledChain>()
  #isBatching = false
  readonly #deadlines = new Deadlines()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
    this.#forAll = compile([])
  }

  /** Within a band, order of adding decides: the host adds plugins in order of dependency. @returns the undo */
  add(plugin: string, interceptor: PacketInterceptor): () => void {
    const added = new GuardedInterceptor(plugin, interceptor, this.#log, this.#deadlines)
    this.#guarded = [...this.#guarded, added]
    this.#compile()
    return () => {
      this.#guarded = this.#guarded.filter((it) => it !== added)
      this.#compile()
    }
  }

  /** Compiles once, after `change`. */
  batch(change: () => void): void {
    this.#isBatching = true
    try {
      change()
    } finally {
      this.#isBatching = false
      this.#compile()
    }
  }

  statuses(): InterceptorStatus[] {
    return this.#guarded.map((it) => it.status())
  }

  /** True when somebody may change what this session is about to get: it then needs a copy of its own. */
  rewritesOutgoing(kind: StanzaKind, session: Session): boolean {
    return this.#chainOf(session).outgoing[kind].before.length > 0
  }

  /**
   * Leads a packet through. The stage is looked up once, so that a packet sees one state of the chain even when plugins
   * change while it is under way.
   * @returns what `act` returned, or false when the packet was rejected
   */
  around(
    incoming: boolean,
    packet: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
    act: Act,
    onRejected: OnRejected,
  ): MaybePromise<boolean> {
    const chain = this.#chainOf(session)
    const stage = (incoming ? chain.incoming : chain.outgoing)[packet.kind]
    if (stage.before.length > 0) {
      const crossing = new PacketCrossing(packet, session, incoming, false, routed, origin)
      let passed: MaybePromise<void>
      try {
        passed = runFrom(0, stage.before, crossing)
      } catch (error) {
        return rejected(error, packet, session, onRejected)
      }
      if (passed !== undefined) {
        return passed.then(
          () => this.#actAndFinish(stage, incoming, packet, session, origin, routed, act),
          (error: unknown) => rejected(error, packet, session, onRejected),
        )
      }
    }
    return this.#actAndFinish(stage, incoming, packet, session, origin, routed, act)
  }

  #actAndFinish(
    stage: Stage,
    incoming: boolean,
    packet: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
    act: Act,
  ): MaybePromise<boolean> {
    const done = act(packet, session, origin)
    if (stage.after.length === 0) return done
    if (isPromise(done)) return done.then((outcome) => this.#finish(outcome, stage, incoming, packet, session, origin, routed))
    return this.#finish(done, stage, incoming, packet, session, origin, routed)
  }

  #finish(
    outcome: boolean,
    stage: Stage,
    incoming: boolean,
    packet: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
  ): MaybePromise<boolean> {
    // Nothing was handed over, so nobody is told that it was. An incoming packet gets its IN-post whatever came of it.
    if (!incoming && !outcome) return outcome
    const told = runFrom(0, stage.after, new PacketCrossing(packet, session, incoming, true, routed, origin))
    return told === undefined ? outcome : told.then(() => outcome)
  }

  #chainOf(session: Session): CompiledChain {
    if (this.#forUser.size === 0 || session.kind !== 'client') return this.#forAll
    return this.#forUser.get(session.jid.local) ?? this.#forAll
  }

  #compile(): void {
    if (this.#isBatching) return
    const forAll = this.#guarded.filter((it) => it.interceptor.user === undefined)
    this.#forAll = compile(forAll)
    this.#forUser.clear()
    for (const { interceptor } of this.#guarded) {
      const { user } = interceptor
      if (user === undefined || this.#forUser.has(user)) continue
      this.#forUser.set(user, compile([...forAll, ...this.#guarded.filter((it) => it.interceptor.user === user)]))
    }
  }
}

/** Calls one after the other; goes on in a promise only from the first that returns one. */
function runFrom(start: number, interceptors: Interceptors, crossing: PacketCrossing): Promise<void> | undefined {
  for (let i = start; i < interceptors.length; i++) {
    const interceptor = interceptors[i] as GuardedInterceptor
    if (!wantsType(interceptor.interceptor, crossing.packet)) continue
    const result = interceptor.call(crossing)
    if (result !== undefined) return result.then(() => runFrom(i + 1, interceptors, crossing))
  }
  return undefined
}

function rejected(error: unknown, packet: Stanza, session: Session, onRejected: OnRejected): MaybePromise<boolean> {
  if (!(error instanceof PacketRejected)) throw error
  const answered = onRejected(error, packet, session)
  return isPromise(answered) ? answered.then(() => false) : false
}

function compile(guarded: Interceptors): CompiledChain {
  const ordered = [...guarded].sort((a, b) => BAND_ORDER.indexOf(a.interceptor.band) - BAND_ORDER.indexOf(b.interceptor.band))
  const direction = (incoming: boolean) =>
    Object.fromEntries(
      KINDS.map((kind) => [
        kind,
        {
          before: ordered.filter((it) => wants(it.interceptor, kind, incoming, false)),
          after: ordered.filter((it) => wants(it.interceptor, kind, incoming, true)),
        },
      ]),
    ) as unknown as Record<StanzaKind, Stage>
  return { incoming: direction(true), outgoing: direction(false) }
}

function wants({ when }: PacketInterceptor, kind: StanzaKind, incoming: boolean, processed: boolean): boolean {
  if (when === undefined) return true
  return includes(when.stanza, kind) && (when.incoming ?? incoming) === incoming && (when.processed ?? processed) === processed
}

/** The type can change under way, so it alone is looked at per packet. */
function wantsType({ when }: PacketInterceptor, packet: Stanza): boolean {
  return when?.type === undefined || includes(when.type, packet.type)
}

function includes(wanted: string | readonly string[] | undefined, value: string): boolean {
  return wanted === undefined || wanted === value || (typeof wanted !== 'string' && wanted.includes(value))
}
