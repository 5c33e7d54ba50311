/** The changes of one roster, one at a time. */

type Change = () => Promise<void>

interface Yielding {
  readonly change: Change
  readonly mayGo: () => boolean
}

/** How long a change that yields waits while it may not go and no other comes, in ms. */
export const PATIENCE_MS = 2000

export class ChangeQueue {
  readonly #inOrder: Change[] = []
  readonly #yielding: Yielding[] = []
  #running: Promise<void> | undefined
  /** Those that yield have waited long enough: until another change comes they go, whether they may or not. */
  #isOutOfPatience = false
  #changeCame = () => {}

  /**
   * Begins at once when no other change is under way.
   * @param mayGo makes it one that yields: all others that wait go before it, save those that yield too; while this returns false it
   * waits for one of them, unless none comes in {@link PATIENCE_MS}
   * @returns what `work` returns; its failure is the caller's alone
   */
  add<T>(work: () => Promise<T>, mayGo?: () => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const change = () => work().then(resolve, reject)
      if (mayGo) this.#yielding.push({ change, mayGo })
      else {
        this.#inOrder.push(change)
        this.#changeCame()
      }
      this.#running ??= this.#run()
    })
  }

  get isIdle(): boolean {
    return this.#running === undefined
  }

  /** Resolves when no change is under way or waits. */
  async whenIdle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#inOrder.length > 0 || this.#yielding.length > 0) {
      const next = this.#next()
      await (next ? next() : this.#patience())
    }
    this.#running = undefined
  }

  /** @returns undefined when those that wait may not go yet */
  #next(): Change | undefined {
    const change = this.#inOrder.shift()
    if (change) {
      this.#isOutOfPatience = false
      return change
    }
    return this.#isOutOfPatience || this.#yielding[0]?.mayGo() ? this.#yielding.shift()?.change : undefined
  }

  #patience(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#isOutOfPatience = true
        resolve()
      }, PATIENCE_MS)
      this.#changeCame = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
