/**
 * Leads every packet past the interceptors twice: before the act, when they may rewrite or reject it, and after it, when
 * they may only watch. What the act is (route a packet just read, write one out) is the caller's. The one call site.
 */
import {
  isPromise,
  type Logger,
  type MaybePromise,
  type PacketInterceptor,
  PacketRejected,
  type RoutedNotes,
  type Session,
  type Stanza,
} from '@beaconfire/plugin-sdk'
import { ContributionConflict, type PluginRank } from '../plugin-host/registries.js'
import type { CallList } from './call-list.js'
import type { CrossingProbe, CrossingWatch, InterceptorShadow } from './chain-watch.js'
import { CompiledChains, type Stages, type Way } from './compiled-chain.js'
import { type Origin, PacketCrossing } from './crossing.js'
import { Deadlines } from './deadlines.js'
import { GuardedInterceptor, type InterceptorCounters, type InterceptorStatus } from './guarded-interceptor.js'
import { type PinnedTable, PinnedTables } from './pinned-tables.js'
import { runStage } from './stage-run.js'

/** What is done with the packet between the two passes. @returns false when it came to nothing */
export type Act = (packet: Stanza, session: Session, origin: Origin) => MaybePromise<boolean>
/** Told of a rejection before the act. */
export type OnRejected = (rejection: PacketRejected, packet: Stanza, session: Session) => MaybePromise<void>

export class InterceptorChain {
  /** By `plugin/name`, in order of adding. */
  readonly #guarded = new Map<string, GuardedInterceptor>()
  readonly #counters = new Map<string, InterceptorCounters>()
  readonly #off = new Set<string>()
  readonly #shadows = new Map<string, InterceptorShadow>()
  #watch: CrossingWatch | undefined
  readonly #deadlines = new Deadlines()
  readonly #log: Logger
  readonly #tables: PinnedTables
  readonly #chains: PinnedTable<CompiledChains>

  constructor(log: Logger, tables = new PinnedTables()) {
    this.#log = log
    this.#tables = tables
    this.#chains = tables.table(() => this.#compile())
  }

  /**
   * Within a band, order of adding decides, until plugins are {@link arrange}d. What was counted of an interceptor of this
   * name, and whether it is switched off, goes on; its breaker begins closed.
   * @returns the undo
   * @throws ContributionConflict when the plugin has one of this name already
   */
  add(plugin: string, interceptor: PacketInterceptor): () => void {
    const added = new GuardedInterceptor(plugin, interceptor, this.#log, this.#counters.get(`${plugin}/${interceptor.name}`))
    if (this.#guarded.has(added.key)) {
      throw new ContributionConflict(`plugin "${plugin}" has two interceptors named "${interceptor.name}"; give each a name of its own`)
    }
    this.#counters.set(added.key, added.counters)
    this.#chains.change(() => void this.#guarded.set(added.key, added))
    return () => {
      if (this.#guarded.get(added.key) === added) this.#chains.change(() => void this.#guarded.delete(added.key))
    }
  }

  /** Within a band, plugins are asked in this order from now on. What is known of each interceptor stays, and so does its breaker. */
  arrange(rank: PluginRank): void {
    const inOrder = [...this.#guarded].sort(([, a], [, b]) => rank(a.plugin) - rank(b.plugin))
    this.#chains.change(() => {
      this.#guarded.clear()
      for (const [key, it] of inOrder) this.#guarded.set(key, it)
    })
  }

  statuses(): InterceptorStatus[] {
    return [...this.#guarded.values()].map((it) => it.status(this.#off.has(it.key)))
  }

  /** Switches one off, or on with its breaker closed, until the server stops; its plugin may be reloaded meanwhile. @returns false: there is none */
  switch(plugin: string, name: string, on: boolean): boolean {
    const found = this.#guarded.get(`${plugin}/${name}`)
    if (!found) return false
    this.#chains.change(() => {
      if (on) this.#off.delete(found.key)
      else this.#off.add(found.key)
      found.close()
    })
    return true
  }

  /** Puts the interceptors of a shadow version beside those of a plugin; undefined takes them away. */
  shadow(plugin: string, shadow: InterceptorShadow | undefined): void {
    this.#chains.change(() => {
      if (shadow) this.#shadows.set(plugin, shadow)
      else this.#shadows.delete(plugin)
    })
  }

  /** Lets `watch` see every crossing that it wants; undefined: nobody looks, which costs nothing. */
  watch(watch: CrossingWatch | undefined): void {
    this.#watch = watch
  }

  /**
   * Leads a packet through.
   * @param routed the stanza as it was read or made, of which `given` may be one recipient's copy
   * @param ownCopy makes such a copy of what is given, where somebody may change it
   * @returns what `act` returned, or false when the packet was rejected
   */
  around(
    incoming: boolean,
    given: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
    act: Act,
    onRejected: OnRejected,
    ownCopy?: (stanza: Stanza) => Stanza,
  ): MaybePromise<boolean> {
    const chain = this.#chains.of(routed).of(session)
    const stages = (incoming ? chain.incoming : chain.outgoing)[given.kind]
    const way = stages.of(given)
    const packet = ownCopy !== undefined && way.before.mayRewrite ? ownCopy(given) : given
    const probe = this.#watch?.crossing(packet, session, incoming, routed)
    const done = this.#lead(way, stages, incoming, packet, session, origin, routed, act, onRejected, probe)
    return isPromise(done) ? this.#tables.pin(routed, done) : done
  }

  #lead(
    way: Way,
    stages: Stages,
    incoming: boolean,
    packet: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
    act: Act,
    onRejected: OnRejected,
    probe: CrossingProbe | undefined,
  ): MaybePromise<boolean> {
    if (way.before.interceptors.length === 0) return this.#actAndFinish(way.after, stages, incoming, packet, session, origin, routed, act, probe)
    const crossing = new PacketCrossing(packet, session, incoming, false, routed, origin)
    let passed: Promise<PacketCrossing> | undefined
    try {
      passed = runStage(way.before, stages, crossing, this.#deadlines, probe)
    } catch (error) {
      return rejected(error, packet, session, onRejected, probe)
    }
    if (passed === undefined) return this.#actAndFinish(afterOf(way, stages, packet), stages, incoming, packet, session, origin, routed, act, probe)
    return passed.then(
      (left) => this.#actAndFinish(afterOf(way, stages, left.packet), stages, incoming, left.packet, session, origin, left.routed, act, probe),
      (error: unknown) => rejected(error, packet, session, onRejected, probe),
    )
  }

  /** @param after those that want the packet as it is when the act begins */
  #actAndFinish(
    after: CallList,
    stages: Stages,
    incoming: boolean,
    packet: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
    act: Act,
    probe: CrossingProbe | undefined,
  ): MaybePromise<boolean> {
    probe?.acting()
    const done = act(packet, session, origin)
    if (after.interceptors.length === 0 && probe === undefined) return done
    if (isPromise(done)) return done.then((outcome) => this.#finish(outcome, after, stages, incoming, packet, session, origin, routed, probe))
    return this.#finish(done, after, stages, incoming, packet, session, origin, routed, probe)
  }

  #finish(
    outcome: boolean,
    after: CallList,
    stages: Stages,
    incoming: boolean,
    packet: Stanza,
    session: Session,
    origin: Origin,
    routed: RoutedNotes,
    probe: CrossingProbe | undefined,
  ): MaybePromise<boolean> {
    probe?.acted(outcome)
    // Nothing was handed over, so nobody is told that it was. An incoming packet gets its IN-post whatever came of it.
    const told =
      after.interceptors.length > 0 && (incoming || outcome)
        ? runStage(after, stages, new PacketCrossing(packet, session, incoming, true, routed, origin), this.#deadlines, probe)
        : undefined
    if (told === undefined) {
      probe?.finished()
      return outcome
    }
    return told.then(() => {
      probe?.finished()
      return outcome
    })
  }

  #compile(): CompiledChains {
    for (const key of this.#counters.keys()) if (!this.#guarded.has(key)) this.#counters.delete(key)
    const guarded = [...this.#guarded.values()]
    for (const it of guarded) it.called = it.interceptor
    const alone = [...this.#shadows].flatMap(([plugin, shadow]) => this.#arrange(plugin, shadow, guarded))
    const serving = guarded.filter((it) => !this.#off.has(it.key))
    return new CompiledChains([...serving, ...alone])
  }

  /** @returns those that the shadow has and the plugin has not */
  #arrange(plugin: string, shadow: InterceptorShadow, guarded: readonly GuardedInterceptor[]): GuardedInterceptor[] {
    const own = guarded.filter((it) => it.plugin === plugin)
    const { beside, alone } = shadow.arrange(own.map((it) => it.interceptor))
    for (const it of own) it.called = beside.get(it.interceptor) ?? it.interceptor
    return alone.map((added) => new GuardedInterceptor(plugin, added, this.#log))
  }
}

/** Who is called after the act: interceptors before it may have rewritten the type. */
function afterOf(way: Way, stages: Stages, packet: Stanza): CallList {
  return way.before.mayRewrite && stages.isTyped ? stages.of(packet).after : way.after
}

function rejected(error: unknown, packet: Stanza, session: Session, onRejected: OnRejected, probe: CrossingProbe | undefined): MaybePromise<boolean> {
  probe?.finished()
  if (!(error instanceof PacketRejected)) throw error
  const answered = onRejected(error, packet, session)
  return isPromise(answered) ? answered.then(() => false) : false
}
