/**
 * What connections do in one turn of the event loop. Writes are gathered: one for each connection. Reads and writes have a budget of time
 * each: what is left when it is spent is for the next turns, so that ten thousand clients who come back at once keep nobody waiting long.
 */

export interface Flushable {
  /** Hands over what was gathered. Never throws. */
  flush(): void
}

export interface Postponed {
  /** Does what there was no time for. Never throws. */
  run(): void
}

/** In ms, of reads and of writes. A turn takes both, and what the last read takes. */
export const BUDGET_MS = 5
/** To look at the clock costs a hundredth of a write. */
const FLUSHED_BETWEEN_LOOKS = 16

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
    if (this.#startedAt !== undefined) return this.#now() - this.#startedAt < BUDGET_MS
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
    else this.#flush()
  }

  /** Each with all that it sets going: a tick that is asked for by a microtask comes when there are no more microtasks. */
  #runSome(): void {
    const until = this.#now() + BUDGET_MS
    const waiting = this.#postponed
    let done = 0
    const inTick = () => process.nextTick(goOn)
    const runOne = () => {
      ;(waiting[done++] as Postponed).run()
      queueMicrotask(inTick)
    }
    const goOn = () => {
      if (done < waiting.length && this.#now() < until) return runOne()
      waiting.splice(0, done)
      if (waiting.length > 0) this.#schedule()
      this.#flush()
    }
    runOne()
  }

  #flush(): void {
    const until = this.#now() + BUDGET_MS
    const dirty = this.#dirty
    this.#dirty = []
    let done = 0
    while (done < dirty.length && (done % FLUSHED_BETWEEN_LOOKS > 0 || done === 0 || this.#now() < until)) (dirty[done++] as Flushable).flush()
    if (done === dirty.length) return
    this.#dirty = [...dirty.slice(done), ...this.#dirty]
    this.#schedule()
  }
}
