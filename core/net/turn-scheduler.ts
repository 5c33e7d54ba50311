/** What connections do in one turn of the event loop: reads, then writes, which are gathered: one for each connection. */
import { BUDGET_MS, type Postponed, TurnBudget } from './turn-budget.js'

export interface Flushable {
  /** Hands over what was gathered. Never throws. */
  flush(): void
}

/** To look at the clock costs a hundredth of a write. */
const FLUSHED_BETWEEN_LOOKS = 16

/** One per listener. */
export class TurnScheduler {
  readonly #now: () => number
  readonly #reads: TurnBudget
  #dirty: Flushable[] = []

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#reads = new TurnBudget(() => this.#flush(), now)
  }

  /** Flushes `connection` after the events that are being handled now. Called once before each flush. */
  add(connection: Flushable): void {
    this.#dirty.push(connection)
    this.#reads.expectEnd()
  }

  /** False when what was read has to be {@link postpone postponed}. */
  hasTime(): boolean {
    return this.#reads.hasTime()
  }

  /** Handles what was read in one of the next turns, after all that was postponed before. */
  postpone(read: Postponed): void {
    this.#reads.postpone(read)
  }

  /** Writes have a budget of their own. What is left when it is spent is for the next turn. */
  #flush(): void {
    const until = this.#now() + BUDGET_MS
    const dirty = this.#dirty
    this.#dirty = []
    let done = 0
    while (done < dirty.length && (done % FLUSHED_BETWEEN_LOOKS > 0 || done === 0 || this.#now() < until)) (dirty[done++] as Flushable).flush()
    if (done === dirty.length) return
    this.#dirty = [...dirty.slice(done), ...this.#dirty]
    this.#reads.expectEnd()
  }
}
