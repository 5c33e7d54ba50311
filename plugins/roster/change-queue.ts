/** The changes of one roster, one at a time. */

type Change = () => Promise<void>

/**
 * What the owner of the roster does goes before what others ask of it: whoever sends requests faster than they can be stored waits, and
 * does not keep the owner from answering them.
 */
export class ChangeQueue {
  readonly #owners: Change[] = []
  readonly #others: Change[] = []
  #running: Promise<void> | undefined

  /** Begins at once when no other change is under way. @returns what `work` returns; its failure is the caller's alone */
  add<T>(by: 'owner' | 'other', work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = by === 'owner' ? this.#owners : this.#others
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
    return this.#owners.shift() ?? this.#others.shift()
  }
}
