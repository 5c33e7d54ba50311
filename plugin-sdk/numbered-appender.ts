/** An appender whose rows take their key from an `ofID` sequence. A row that is handed in belongs to it. */
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
    return typeof id === 'number' ? this.#appender.append(this.#numbered(row, id)) : this.#whenNumbered(row, id)
  }

  /** As `Appender.appendTogether`. */
  appendTogether(row: Omit<R, Key>, refused: (error: unknown, row: R) => void): Promise<void> {
    const id = this.#database.nextId(this.#idType)
    if (typeof id === 'number') return this.#appender.appendTogether(this.#numbered(row, id), refused)
    return this.#alone(this.#whenNumbered(row, id), row as R, refused)
  }

  /**
   * A row of a table with no other key, which was given its number by an earlier try, and that failed. Where it is stored all the same,
   * as when the connection was lost before the database could say so, that is found now. Otherwise as {@link appendTogether}, but alone.
   */
  appendAgain(row: R, refused: (error: unknown, row: R) => void): Promise<void> {
    const stored = this.#appender.append(row).catch((error: unknown) => {
      if (!this.#database.isDuplicate(error)) throw error // nobody else has its number
    })
    return this.#alone(stored, row, refused)
  }

  /** Resolves when everything appended so far is on disk or has failed. Never rejects. */
  whenIdle(): Promise<void> {
    if (this.#unnumbered.size === 0) return this.#appender.whenIdle()
    return Promise.allSettled(this.#unnumbered).then(() => this.#appender.whenIdle())
  }

  /** Rows that have to wait do so one by one. */
  #whenNumbered(row: Omit<R, Key>, id: Promise<number>): Promise<void> {
    const stored = id.then((it) => this.#appender.append(this.#numbered(row, it)))
    this.#unnumbered.add(stored)
    const done = () => void this.#unnumbered.delete(stored)
    stored.then(done, done)
    return stored
  }

  async #alone(stored: Promise<void>, row: R, refused: (error: unknown, row: R) => void): Promise<void> {
    try {
      await stored
    } catch (error) {
      refused(error, row)
      throw error
    }
  }

  /** In place: a copy of each row would be garbage on the way of every stanza. */
  #numbered(row: Omit<R, Key>, id: number): R {
    const numbered = row as Record<string, unknown>
    numbered[this.#key] = id
    return row as R
  }
}
