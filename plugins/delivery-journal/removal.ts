/** Rows of messages that have arrived, on their way out of the journal: in batches, one at a time. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { JournalStore } from './journal-store.js'

const REMOVED_AT_ONCE = 5000

export class Removal {
  readonly #store: JournalStore
  readonly #log: Logger
  #rows: number[] = []
  /** Of the batch that is under way. */
  #leaving: readonly number[] = []
  #underWay: Promise<void> | undefined

  constructor(store: JournalStore, log: Logger) {
    this.#store = store
    this.#log = log
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0
  }

  /** All that are not gone yet. */
  get rows(): readonly number[] {
    return [...this.#leaving, ...this.#rows]
  }

  /** By the time of the next batch, or at once where there are many. */
  add(journalID: number): void {
    this.#rows.push(journalID)
    if (this.#rows.length >= REMOVED_AT_ONCE) void this.next()
  }

  /** Removes what there is, unless a batch is under way. Never rejects: what cannot be removed stays for the next. */
  next(): Promise<void> {
    if (this.#underWay || this.isEmpty) return this.#underWay ?? Promise.resolve()
    const rows = this.#rows
    this.#rows = []
    this.#leaving = rows
    this.#underWay = this.#store
      .remove(rows)
      .catch((error: unknown) => {
        this.#log.warn({ error, rows: rows.length }, 'rows of messages that have arrived could not be removed from the journal yet')
        this.#rows = [...rows, ...this.#rows]
      })
      .finally(() => {
        this.#leaving = []
        this.#underWay = undefined
      })
    return this.#underWay
  }

  /** Removes all that was added so far. */
  async finish(): Promise<void> {
    await this.#underWay
    await this.next()
  }
}
