/**
 * Short selects on the main thread, by a connection that only reads. One by key takes some microseconds; asking a worker thread for it
 * costs the two threads a hundred. WAL lets it read while another connection writes.
 */
import type { ColumnValue } from '@beaconfire/plugin-sdk'
import type Sqlite from 'better-sqlite3'
import type { ReadRows } from './read-queue.js'

/** Built by the caller, since the driver is chosen at run time. */
export type OpenLookUps = () => Sqlite.Database

/** A select with more rows than this is read in the worker thread: so many take less than a millisecond. */
const MOST_ROWS = 200
const CACHED_STATEMENTS = 100

export class SqliteLookUps {
  readonly #open: OpenLookUps
  readonly #elsewhere: (sql: string, bindings: readonly ColumnValue[]) => Promise<ReadRows>
  readonly #statements = new Map<string, Sqlite.Statement<ColumnValue[], Record<string, unknown>>>()
  #database: Sqlite.Database | undefined

  /** @param elsewhere takes selects with many rows, and all while another process keeps the file locked */
  constructor(open: OpenLookUps, elsewhere: (sql: string, bindings: readonly ColumnValue[]) => Promise<ReadRows>) {
    this.#open = open
    this.#elsewhere = elsewhere
  }

  async read(sql: string, bindings: readonly ColumnValue[]): Promise<ReadRows> {
    try {
      return this.#readShort(sql, bindings) ?? (await this.#elsewhere(sql, bindings))
    } catch (error) {
      if ((error as { code?: unknown }).code === 'SQLITE_BUSY') return this.#elsewhere(sql, bindings)
      throw error
    }
  }

  close(): void {
    this.#database?.close()
  }

  /** @returns undefined when there are too many rows */
  #readShort(sql: string, bindings: readonly ColumnValue[]): ReadRows | undefined {
    const rows: Record<string, unknown>[] = []
    for (const row of this.#prepared(sql).iterate(...bindings)) {
      if (rows.length === MOST_ROWS) return undefined
      rows.push(row)
    }
    return rows
  }

  #prepared(sql: string): Sqlite.Statement<ColumnValue[], Record<string, unknown>> {
    const known = this.#statements.get(sql)
    if (known) return known
    this.#database ??= this.#open()
    const statement = this.#database.prepare<ColumnValue[], Record<string, unknown>>(sql)
    if (this.#statements.size >= CACHED_STATEMENTS) this.#statements.delete(this.#statements.keys().next().value as string)
    this.#statements.set(sql, statement)
    return statement
  }
}
