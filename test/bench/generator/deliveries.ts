/** Waits for a number of deliveries, and gives up when none come any more: what is missing then is lost, not late. */

/** Without any delivery for so long, no more will come. */
const STALLED_MS = 15_000
const CHECK_MS = 1000

export class Deliveries {
  /** Settles when all have come, or when they have stopped coming. */
  readonly done: Promise<void>
  #left: number
  #seenLeft: number
  #stillSince = performance.now()
  #resolve: () => void = () => {}
  readonly #timer: NodeJS.Timeout

  constructor(expected: number) {
    this.#left = expected
    this.#seenLeft = expected
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
    if (expected <= 0) this.#finish()
  }

  get isOver(): boolean {
    return this.#left <= 0
  }

  count(): void {
    if (--this.#left === 0) this.#finish()
  }

  #check(): void {
    const now = performance.now()
    if (this.#left !== this.#seenLeft) {
      this.#seenLeft = this.#left
      this.#stillSince = now
    } else if (now - this.#stillSince > STALLED_MS) this.#finish()
  }

  #finish(): void {
    clearInterval(this.#timer)
    this.#resolve()
  }
}
