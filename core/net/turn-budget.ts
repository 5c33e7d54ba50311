/**
 * Work that shares a budget of time in each turn of the event loop. What there is no time for is postponed, in order, so that ten thousand
 * clients who come back at once, or are let go at once, keep nobody waiting long.
 */

export interface Postponed {
  /** Does what there was no time for. Never throws. */
  run(): void
}

/** In ms. A turn takes this, and what the last piece of work takes. */
export const BUDGET_MS = 3

export class TurnBudget {
  readonly #now: () => number
  readonly #ended: () => void
  #waiting: Postponed[] = []
  /** When the time of this turn is over; undefined until somebody asks for some. */
  #until: number | undefined
  #isScheduled = false

  /** @param ended told of the end of each turn in which time was asked for, work waited, or somebody {@link expectEnd expected} it; never throws */
  constructor(ended: () => void = () => {}, now: () => number = () => performance.now()) {
    this.#ended = ended
    this.#now = now
  }

  /** False when it is time to {@link postpone}: also while others wait, who came first. */
  hasTime(): boolean {
    if (this.#until !== undefined) return this.#now() < this.#until
    if (this.#waiting.length > 0) return false
    this.#until = this.#now() + BUDGET_MS
    this.expectEnd()
    return true
  }

  /** Runs `work` in one of the next turns, after all that was postponed before. */
  postpone(work: Postponed): void {
    this.#waiting.push(work)
    this.expectEnd()
  }

  /** The turn that is under way will have an end that is told. */
  expectEnd(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    this.#until = undefined
    if (this.#waiting.length > 0) this.#runSome()
    else this.#ended()
  }

  /** Each with all that it sets going: a tick that is asked for by a microtask comes when there are no more microtasks. */
  #runSome(): void {
    const until = this.#now() + BUDGET_MS
    this.#until = until
    const due = this.#waiting
    this.#waiting = []
    let done = 0
    const inTick = () => process.nextTick(goOn)
    const runOne = () => {
      ;(due[done++] as Postponed).run()
      queueMicrotask(inTick)
    }
    const goOn = () => {
      if (done < due.length && this.#now() < until) return runOne()
      this.#until = undefined
      if (done < due.length) this.#waiting = [...due.slice(done), ...this.#waiting]
      if (this.#waiting.length > 0) this.expectEnd()
      this.#ended()
    }
    runOne()
  }
}
