/** The database as a plugin sees it: Knex on SQLite or MySQL/MariaDB, migrations, batched durable writes (design §6). */
import type { Knex } from 'knex'

export type DatabaseClient = 'sqlite' | 'mysql'

/** A value a column can hold on both engines. Times are epoch milliseconds, below 2^53. */
export type ColumnValue = string | number | null | Uint8Array

export type Row = Readonly<Record<string, ColumnValue>>

export interface Database {
  readonly client: DatabaseClient
  /** Query builder. Never use it inside {@link transaction}: SQLite has one writing connection. */
  readonly knex: Knex
  /**
   * Rows of one short select by a key, `?` for each binding. For what is read at every login or on the way of a stanza: it costs no query
   * building, and on SQLite no change of threads. What looks at many rows belongs to {@link knex}, since the whole server would wait for
   * it. Like {@link knex}, it does not see what an open transaction has written.
   */
  read<R extends object>(sql: string, bindings: readonly ColumnValue[]): Promise<R[]>
  /** Runs `work` in one transaction, rolled back when it throws. Use `trx` for every query in it. */
  transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>
  /**
   * A durable batch writer for rows written on the way of a stanza: rows appended while a write is under way go
   * together in the next transaction, with those of every other appender of the server.
   */
  appender<R extends Row>(table: string, columns: readonly (keyof R & string)[]): Appender<R>
  /**
   * The next id of an `ofID` sequence (openfire.md §3.3); ids are taken in blocks, so it answers at once nearly always for types
   * from 1000 on. Like {@link knex}, never ask inside a {@link transaction}.
   */
  nextId(idType: number): number | Promise<number>
  /** True for a violated primary key or unique index, on both engines. */
  isDuplicate(error: unknown): boolean
}

export interface Appender<R extends Row> {
  /**
   * Queues a row. Resolves when it is on disk.
   * @throws (rejects) with the database's error; the row is not retried
   */
  append(row: R): Promise<void>
  /**
   * The cheaper way for many rows: all that go into one transaction share a promise. It resolves when they are on disk, save those that
   * the database refused, and rejects when none of them is. Given to `hold` at once, it fails the senders of refused rows, and no others.
   * `refused` is told of each row that is not stored, be it alone or with the others, before the promise settles.
   */
  appendTogether(row: R, refused: (error: unknown, row: R) => void): Promise<void>
  /** Rows queued or being written, of this appender. */
  readonly pending: number
  /** True when so much is queued that a producer should wait for {@link whenIdle} before it goes on. */
  readonly isSaturated: boolean
  /** Resolves when everything appended so far is on disk or has failed. Never rejects. */
  whenIdle(): Promise<void>
}

/** One step of a plugin's schema. Steps run once, in order, each in a transaction where the engine can. */
export interface Migration {
  /** 1, 2, 3… without gaps. Kept in `ofVersion` under the plugin's name. */
  readonly version: number
  up(schema: Knex.SchemaBuilder, details: { readonly client: DatabaseClient; readonly knex: Knex }): Promise<void>
  /**
   * Takes {@link up} back, right after it, when the version that it came with does not start: the version before, which has served all the
   * while, can be started again then. Without it the tables stay as they are, and the operator is told.
   */
  down?(schema: Knex.SchemaBuilder, details: { readonly client: DatabaseClient; readonly knex: Knex }): Promise<void>
}

/** Openfire's date columns: epoch milliseconds, zero-padded to 15 characters (openfire.md §3.3). */
export function toDateColumn(at: Date | number): string {
  return String(Number(at)).padStart(15, '0')
}
/** @throws RangeError when the column holds no number */
export function fromDateColumn(text: string): Date {
  const at = new Date(Number(text))
  if (text.trim() === '' || Number.isNaN(at.getTime())) throw new RangeError(`"${text}" is no date column`)
  return at
}
/** @returns `otherwise` where the column holds no number: one such row must not cost an account, or a list its other rows */
export function fromDateColumnOr<T>(text: string, otherwise: T): Date | T {
  try {
    return fromDateColumn(text)
  } catch (error) {
    if (error instanceof RangeError) return otherwise
    throw error
  }
}
