/** The changes of one roster, one at a time. */

type Change = () => Promise<void>

export class ChangeQueue {
  readonly #inOrder: Change[] = []
  readonly #yielding: Change[] = []
  #running: Promise<void> | undefined

  /**
   * Begins at once when no other change is under way.
   * @param yields whether it lets others go before it that come while it waits, save those that yield too
   * @returns what `work` returns; its failure is the caller's alone
   */
  add<T>(work: () => Promise<T>, yields = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = yields ? this.#yielding : this.#inOrder
      waiting.push(() => work().then(resolve, reject))
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
    for (let next = this.#next(); next; next = this.#next()) await next()
    this.#running = undefined
  }

  #next(): Change | undefined {
    return this.#inOrder.shift() ?? this.#yielding.shift()
  }
}
