/** For tests: a `Database` in memory, with just what stores of accounts use. */
import type { ColumnValue, Database, Migration } from '@beaconfire/plugin-sdk'
import createKnex, { type Knex } from 'knex'
import { SqliteDriver } from '../database/sqlite-driver.mjs'

// it has no declarations
const { default: Dialect } = (await import('knex/lib/dialects/better-sqlite3/index.js' as string)) as { default: typeof createKnex.Client }

class Client extends Dialect {
  _driver() {
    return SqliteDriver
  }
}

/** While `fail` is set every query throws: the store is away. `queries` holds the SQL so far. */
export interface MemoryDatabase extends Database {
  readonly queries: string[]
  fail: boolean
  close(): Promise<void>
}

export async function memoryDatabase(...tables: readonly (readonly Migration[])[]): Promise<MemoryDatabase> {
  const knex = createKnex({ client: Client, connection: { filename: ':memory:' }, useNullAsDefault: true, pool: { min: 1, max: 1 } })
  let id = 0
  const database: MemoryDatabase = {
    client: 'sqlite',
    get knex() {
      if (database.fail) throw new Error('the database is away')
      return knex
    },
    read: async <R extends object>(sql: string, bindings: readonly ColumnValue[]) =>
      (await database.knex.raw(sql, bindings as readonly Knex.RawBinding[])) as R[],
    queries: [],
    fail: false,
    transaction: <T>(work: (trx: Knex.Transaction) => Promise<T>) => knex.transaction(work),
    appender: () => {
      throw new Error('no appender here')
    },
    nextId: () => ++id,
    isDuplicate: (error) => /^SQLITE_CONSTRAINT_(PRIMARYKEY|UNIQUE)$/.test((error as { code?: string }).code ?? ''),
    close: () => knex.destroy(),
  }
  knex.on('query', ({ sql }: { sql: string }) => database.queries.push(sql))
  for (const step of tables.flat()) await step.up(knex.schema, { client: 'sqlite', knex })
  return database
}
