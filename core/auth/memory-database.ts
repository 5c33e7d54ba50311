/** For tests: a `Database` in memory, with just what stores of accounts use. */
import type { Database, Migration } from '@beaconfire/plugin-sdk'
import createKnex, { type Knex } from 'knex'
import BetterSqlite from 'knex/lib/dialects/better-sqlite3/index.js'

class Client extends BetterSqlite {
  override _driver() {
    return driver
  }
}
const { default: driver } = await import('better-sqlite3-node20')

/** Queries that look like `failing` reject, so that a test can show what happens when the store is away. */
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
  for (const { up } of tables.flat()) await up(knex.schema, { client: 'sqlite', knex })
  return database
}
