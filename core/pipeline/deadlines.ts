/** Deadlines of calls under way, on one timer: a timer for each would cost more than most of the calls. */

/** How late a deadline may be noticed, in ms. */
const RESOLUTION_MS = 20

export interface Deadline {
  /** The call has settled. @returns false when its deadline had passed before, and was told */
  end(): boolean
}

class Running implements Deadline {
  constructor(
    readonly at: number,
    readonly passed: () => void,
    readonly others: Set<Running>,
  ) {}

  end(): boolean {
    return this.others.delete(this)
  }
}

export class Deadlines {
  readonly #running = new Set<Running>()
  #timer: NodeJS.Timeout | undefined

  /** @param passed called once, unless the deadline is ended within `ms` milliseconds */
  begin(ms: number, passed: () => void): Deadline {
    const deadline = new Running(performance.now() + ms, passed, this.#running)
    this.#running.add(deadline)
    this.#timer ??= setInterval(() => this.#look(), RESOLUTION_MS)
    return deadline
  }

  #look(): void {
    const now = performance.now()
    for (const deadline of this.#running) {
      if (deadline.at <= now && deadline.end()) deadline.passed()
    }
    if (this.#running.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
