/**
 * Which state of the plugins a stanza meets. Plugins are exchanged between two stanzas; one that is under way meanwhile, because somebody
 * is asynchronous about it, is pinned: it goes on with the interceptors, hooks and handlers that it began with. Nobody looks whether a
 * stanza is, as long as none is left over from before an exchange, and a stanza that never waits for anybody is not even noted.
 */
import type { RoutedNotes } from '@beaconfire/plugin-sdk'
import { withinLimit } from './time-limit.js'

const PASSAGE: unique symbol = Symbol('passage')

/** The time between two exchanges. */
class Generation {
  /** Stanzas under way that began in it, and calls about no stanza. */
  inFlight = 0
  /** What each table was when it ended, where it ended with something under way. */
  values: readonly unknown[] | undefined
  /** Who waits for the end of all that is under way. */
  readonly waiting: (() => void)[] = []
}

/** A stanza under way; its copies that stand in its place share it. */
interface Passage {
  /** Undefined when it is through, so that a stanza that somebody keeps does not keep plugins of before. */
  generation: Generation | undefined
  /** What goes on about it at the same time. */
  branches: number
}

/** One kind of what plugins contribute, in the form in which stanzas meet it. */
export class PinnedTable<T> {
  readonly #tables: PinnedTables
  readonly #compile: () => T
  readonly #place: number
  #current: T
  #isStale = false

  constructor(tables: PinnedTables, place: number, compile: () => T) {
    this.#tables = tables
    this.#place = place
    this.#compile = compile
    this.#current = compile()
  }

  /** What meets stanzas that begin now. Never changed, but replaced. */
  get current(): T {
    return this.#current
  }

  /** What meets this stanza. */
  of(routed: RoutedNotes): T {
    return this.#tables.isSettled ? this.#current : this.#of(routed)
  }

  /** Compiles it anew when `edit` is done, or with all other changes of the exchange under way. */
  change(edit: () => void): void {
    this.#tables.exchange(() => {
      this.#isStale = true
      edit()
    })
  }

  /** @internal */
  renew(): void {
    if (!this.#isStale) return
    this.#isStale = false
    this.#current = this.#compile()
  }

  #of(routed: RoutedNotes): T {
    const values = (routed[PASSAGE] as Passage | undefined)?.generation?.values
    return values ? (values[this.#place] as T) : this.#current
  }
}

/** All tables that are exchanged together. */
export class PinnedTables {
  /** False while a stanza is under way that began before the last exchange. */
  isSettled = true
  readonly #tables: PinnedTable<unknown>[] = []
  readonly #draining = new Set<Generation>()
  #generation = new Generation()
  #isExchanging = false

  /** @param compile makes the table of what is registered; called again after each change of it */
  table<T>(compile: () => T): PinnedTable<T> {
    const table = new PinnedTable(this, this.#tables.length, compile)
    this.#tables.push(table)
    return table
  }

  /** Renews the tables once, after `change`. No stanza passes in between: `change` is synchronous. */
  exchange(change: () => void): void {
    if (this.#isExchanging) {
      change()
      return
    }
    const before = this.#generation.inFlight > 0 ? this.#tables.map((it) => it.current) : undefined
    this.#isExchanging = true
    try {
      change()
    } finally {
      this.#isExchanging = false
      if (before) this.#keep(before)
      for (const table of this.#tables) table.renew()
    }
  }

  /** A stanza waits for somebody: whoever it meets until `done` has settled is of the same generation. @returns `done` */
  pin<T>(routed: RoutedNotes, done: Promise<T>): Promise<T> {
    const passage = this.#enter(routed)
    const over = () => this.#leave(passage)
    done.then(over, over)
    return done
  }

  /** An answer meets the generation of what it answers. */
  adopt(answer: RoutedNotes, routed: RoutedNotes): void {
    if (!this.isSettled && routed[PASSAGE] !== undefined) answer[PASSAGE] = routed[PASSAGE]
  }

  /** Something is under way that is about no stanza: the versions that it was asked of are not stopped before its end. @returns `done` */
  await<T>(done: Promise<T>): Promise<T> {
    const generation = this.#generation
    generation.inFlight++
    const over = () => this.#ended(generation)
    done.then(over, over)
    return done
  }

  /**
   * Resolves with true when nothing is under way any more that began before the last exchange; after `limitMs` with false. What is under
   * way still meets from then on what serves, since the versions it began with are about to stop.
   */
  async drained(limitMs: number): Promise<boolean> {
    const draining = [...this.#draining]
    const ends = draining.map((it) => new Promise<void>((resolve) => void it.waiting.push(resolve)))
    try {
      await withinLimit('what is under way', () => Promise.all(ends), limitMs)
      return true
    } catch {
      for (const generation of draining) this.#forget(generation)
      return false
    }
  }

  #keep(values: readonly unknown[]): void {
    this.#generation.values = values
    this.#draining.add(this.#generation)
    this.#generation = new Generation()
    this.isSettled = false
  }

  #enter(routed: RoutedNotes): Passage {
    const passage = ((routed[PASSAGE] as Passage | undefined) ??= { generation: undefined, branches: 0 })
    if (passage.branches++ > 0) return passage
    passage.generation = this.#generation
    this.#generation.inFlight++
    return passage
  }

  #leave(passage: Passage): void {
    if (--passage.branches > 0) return
    const generation = passage.generation as Generation
    passage.generation = undefined
    this.#ended(generation)
  }

  #ended(generation: Generation): void {
    if (--generation.inFlight === 0 && generation !== this.#generation) this.#forget(generation)
  }

  #forget(generation: Generation): void {
    generation.values = undefined
    this.#draining.delete(generation)
    this.isSettled = this.#draining.size === 0
    for (const resolve of generation.waiting.splice(0)) resolve()
  }
}
