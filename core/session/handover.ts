/** The time in which a resource gets what was kept for it, and live messages wait behind that. */

/** How long a live message waits at most, in ms: a client that reads slowly must not hold up those who write to it. */
const PATIENCE_MS = 3000

export class Handover {
  /** Resolves when live messages may go on: the handover is done, or took too long. Undefined after that. */
  mayFollow: Promise<void> | undefined
  #release: () => void = () => {}
  readonly #onDone: () => void
  readonly #timer: NodeJS.Timeout

  constructor(onDone: () => void) {
    this.#onDone = onDone
    this.mayFollow = new Promise((resolve) => {
      this.#release = resolve
    })
    this.#timer = setTimeout(() => this.#letFollow(), PATIENCE_MS)
  }

  /** True when live messages no longer wait: they are kept too, and must be handed over before this ends. */
  get isOverdue(): boolean {
    return this.mayFollow === undefined
  }

  done(): void {
    clearTimeout(this.#timer)
    this.#onDone()
    this.#letFollow()
  }

  #letFollow(): void {
    this.mayFollow = undefined
    this.#release()
  }
}
