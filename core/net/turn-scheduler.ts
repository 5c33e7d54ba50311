/**
 * What connections do in one turn of the event loop. Writes are gathered: one for each connection. Reads have a budget of time: what
 * comes in when it is spent is handled in the next turns, so that ten thousand clients who come back at once keep nobody waiting long.
 */

export interface Flushable {
  /** Hands over what was gathered. Never throws. */
  flush(): void
}

export interface Postponed {
  /** Does what there was no time for. Never throws. */
  run(): void
}

/** In ms. A turn takes this, what its last read takes, and what the writes take. */
const READ_BUDGET_MS = 8

/** One per listener. */
export class TurnScheduler {
  readonly #now: () => number
  #dirty: Flushable[] = []
  #postponed: Postponed[] = []
  /** When reads of this turn began; undefined between turns. */
  #startedAt: number | undefined
  #isScheduled = false

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Flushes `connection` after the events that are being handled now. Called once before each flush. */
  add(connection: Flushable): void {
    this.#dirty.push(connection)
    this.#schedule()
  }

  /** False when it is time to {@link postpone}: also while others wait, who came first. */
  hasTime(): boolean {
    if (this.#postponed.length > 0) return false
    if (this.#startedAt !== undefined) return this.#now() - this.#startedAt < READ_BUDGET_MS
    this.#startedAt = this.#now()
    this.#schedule()
    return true
  }

  /** Runs `work` in one of the next turns, after all that was postponed before. */
  postpone(work: Postponed): void {
    this.#postponed.push(work)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    this.#startedAt = undefined
    if (this.#postponed.length > 0) this.#runSome()
    const dirty = this.#dirty
    this.#dirty = []
    for (const connection of dirty) connection.flush()
  }

  #runSome(): void {
    const began = this.#now()
    const waiting = this.#postponed
    let done = 0
    do (waiting[done++] as Postponed).run()
    while (done < waiting.length && this.#now() - began < READ_BUDGET_MS)
    waiting.splice(0, done)
    if (waiting.length > 0) this.#schedule()
  }
}
