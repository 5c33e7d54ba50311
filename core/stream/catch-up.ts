/**
 * Streams that go on with what they read while a stanza was under way. Many are let go at once, as when a full queue was written: what all
 * of them do then has a budget of time in a turn of the event loop, and the rest is for the next turns.
 */

export interface CatchingUp {
  /** Goes on until there is no time. Never throws. */
  goOn(): void
}

/** In ms. A turn takes this, and what the last stanza takes, or the last piece that was read. */
export const BUDGET_MS = 5

/** One for all streams. */
export class CatchUp {
  readonly #now: () => number
  #postponed: CatchingUp[] = []
  /** When the time of this turn is over; undefined until somebody asks for some. */
  #until: number | undefined
  #isScheduled = false

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** False when it is time to {@link postpone}. */
  hasTime(): boolean {
    const now = this.#now()
    if (this.#until === undefined) {
      this.#until = now + BUDGET_MS
      this.#schedule()
    }
    return now < this.#until
  }

  /** Lets the stream go on in one of the next turns, in order of calls. */
  postpone(stream: CatchingUp): void {
    this.#postponed.push(stream)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    this.#until = undefined
    if (this.#postponed.length === 0) return
    const due = this.#postponed
    this.#postponed = []
    let at = 0
    do (due[at++] as CatchingUp).goOn()
    while (at < due.length && this.hasTime())
    if (at < due.length) {
      this.#postponed = [...due.slice(at), ...this.#postponed]
      this.#schedule()
    }
  }
}
