/** Counts requests that were taken and whose answers have not ended. */
import type { ServerResponse } from 'node:http'

export class RequestsInFlight {
  #count = 0
  #waiting: (() => void)[] = []

  add(response: ServerResponse): void {
    this.#count++
    response.once('close', () => {
      if (--this.#count > 0) return
      for (const resolve of this.#waiting.splice(0)) resolve()
    })
  }

  /** Resolves at the first moment at which there is none. */
  async whenNone(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
