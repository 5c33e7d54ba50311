/** What the server's database needs of an engine, SQLite or MySQL. */
import type { ColumnValue, DatabaseClient, Logger } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { WriteBatch } from './append-queue.js'
import type { ReadRows } from './read-queue.js'

export interface Engine {
  readonly client: DatabaseClient
  readonly knex: Knex
  readonly writeBatch: WriteBatch
  /** Rows of one short select. */
  readonly read: (sql: string, bindings: readonly ColumnValue[]) => Promise<ReadRows>
  /** Connections for reads alone may be opened: there are writes now that should not wait for a select. */
  separateReads?(): void
  close(): Promise<void>
}

/** Knex would put them into the message of each failed statement, which is logged: keys, passwords and messages. */
export const NAMES_VALUES_IN_ERRORS = false

/** Knex's own warnings, such as of an option it does not know, in the server's log. */
export function knexLog(log: Logger): Knex.Logger {
  const asText = (message: unknown) => (message instanceof Error ? message.message : String(message))
  return {
    warn: (message: unknown) => log.warn({ detail: asText(message) }, 'the query builder warns'),
    error: (message: unknown) => log.error({ detail: asText(message) }, 'the query builder met an error'),
    debug: (message: unknown) => log.debug({ detail: asText(message) }, 'the query builder says'),
    deprecate: (method: string, alternative: string) => log.warn({ method, alternative }, 'deprecated query builder method'),
  }
}
