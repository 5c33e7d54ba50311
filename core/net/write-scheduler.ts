/** Gathers what is written in one turn of the event loop: one write per connection, one callback of the loop for all of them. */

export interface Flushable {
  /** Hands over what was gathered. Never throws. */
  flush(): void
}

/** One per listener. Each connection is added once and is flushed after the events that are being handled now. */
export class WriteScheduler {
  #dirty: Flushable[] = []

  add(connection: Flushable): void {
    if (this.#dirty.length === 0) setImmediate(this.#flushAll)
    this.#dirty.push(connection)
  }

  readonly #flushAll = (): void => {
    const dirty = this.#dirty
    this.#dirty = []
    for (const connection of dirty) connection.flush()
  }
}
