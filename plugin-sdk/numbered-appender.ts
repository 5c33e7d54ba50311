/** An appender whose rows take their key from an `ofID` sequence. */
import type { Appender, Database, Row } from './database.js'

export class NumberedAppender<R extends Row, Key extends keyof R & string> {
  readonly #database: Database
  readonly #appender: Appender<R>
  readonly #key: Key
  readonly #idType: number
  /** Rows that wait for a number, and are not in the appender's care yet. */
  readonly #unnumbered = new Set<Promise<void>>()

  /** @param key the column that holds the number @param idType the sequence (openfire.md §3.3) */
  constructor(database: Database, table: string, columns: readonly (keyof R & string)[], key: Key, idType: number) {
    this.#database = database
    this.#appender = database.appender<R>(table, columns)
    this.#key = key
    this.#idType = idType
  }

  /** Rows on their way to the disk. */
  get pending(): number {
    return this.#appender.pending + this.#unnumbered.size
  }
  /** As `Appender.isSaturated`. */
  get isSaturated(): boolean {
    return this.#appender.isSaturated
  }

  /** Gives the row the next number and queues it. Resolves when it is on disk. @throws (rejects) with the database's error */
  append(row: Omit<R, Key>): Promise<void> {
    const id = this.#database.nextId(this.#idType)
    if (typeof id === 'number') return this.#number(row, id)
    const stored = id.then((number) => this.#number(row, number))
    this.#unnumbered.add(stored)
    const done = () => void this.#unnumbered.delete(stored)
    stored.then(done, done)
    return stored
  }

  /** Resolves when everything appended so far is on disk or has failed. Never rejects. */
  async whenIdle(): Promise<void> {
    if (this.#unnumbered.size > 0) await Promise.allSettled(this.#unnumbered)
    await this.#appender.whenIdle()
  }

  #number(row: Omit<R, Key>, id: number): Promise<void> {
    return this.#appender.append({ ...row, [this.#key]: id } as unknown as R)
  }
}
