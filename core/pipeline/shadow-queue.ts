/** Runs what a shadow version is to see, in order and out of the way of the stanzas themselves. */

/** More waiting than this and the shadow cannot keep up: what comes then it does not see. */
const MAX_WAITING = 1000
/** After so long, in ms, others come first. */
const TURN_MS = 5

export class ShadowQueue {
  readonly #waiting: (() => Promise<void>)[] = []
  #isRunning = false
  #isClosed = false

  /** @returns false when it was not taken */
  add(trial: () => Promise<void>): boolean {
    if (this.#isClosed || this.#waiting.length >= MAX_WAITING) return false
    this.#waiting.push(trial)
    if (!this.#isRunning) void this.#run()
    return true
  }

  /** What waits is not run any more. */
  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
  }

  /** Trials never reject. */
  async #run(): Promise<void> {
    this.#isRunning = true
    await new Promise(setImmediate)
    let turnBegan = performance.now()
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      await next()
      if (performance.now() - turnBegan < TURN_MS) continue
      await new Promise(setImmediate)
      turnBegan = performance.now()
    }
    this.#isRunning = false
  }
}
