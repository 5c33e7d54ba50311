/** Deadlines of calls under way, on one timer: a timer for each would cost more than most of the calls. */

/** How late a deadline may be noticed, in ms. */
const RESOLUTION_MS = 20

/** A call under way that is given up when its time is over. */
export interface Timed {
  /** When, by `performance.now()`. A later call of the same sequence may move it. */
  dueAt: number
  /** Its time is over. Called once. */
  late(): void
}

export class Deadlines {
  readonly #running = new Set<Timed>()
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0

  begin(call: Timed): void {
    this.#running.add(call)
    if (this.#timer !== undefined) return
    this.#lookedAt = performance.now()
    this.#timer = setInterval(() => this.#look(), RESOLUTION_MS)
  }

  end(call: Timed): void {
    this.#running.delete(call)
  }

  #look(): void {
    const now = performance.now()
    // Somebody kept the whole process from running meanwhile: that time is not these calls' fault.
    const elapsed = now - this.#lookedAt
    const stalled = elapsed > 3 * RESOLUTION_MS ? elapsed - RESOLUTION_MS : 0
    this.#lookedAt = now
    for (const call of this.#running) {
      call.dueAt += stalled
      if (call.dueAt > now) continue
      this.#running.delete(call)
      call.late()
    }
    if (this.#running.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
