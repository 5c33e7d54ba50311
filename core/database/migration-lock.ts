/** One process at a time changes tables, and what it does is undone where it fails, as far as the engine can. */
import type { Knex } from 'knex'
import type Client from 'knex/lib/client.js'
import type { Connection } from 'mysql2'
import type { Engine } from './engine.js'
import { MigrationError } from './migration-error.js'

const LOCK_SECONDS = 60

/** @param work a step, with its version row; given the version that the tables of `owner` are of */
export function exclusively<T>({ knex, client }: Engine, owner: string, work: (trx: Knex.Transaction, version: number) => Promise<T>): Promise<T> {
  const inTransaction = async (trx: Knex.Transaction) => work(trx, await versionOf(trx, owner))
  if (client === 'mysql') return locked(knex, (connection) => knex.transaction(inTransaction, { connection }))
  // SQLite copies a table to alter it, which foreign keys forbid; they are checked when the step is done. The transaction is the lock.
  return knex.transaction(inTransaction, { enforceForeignCheck: false })
}

/** Notes what the tables of `owner` are of from now on. */
export async function noteVersion(trx: Knex.Transaction, owner: string, version: number): Promise<void> {
  const rows = trx('ofVersion').where({ name: owner })
  if (version === 0) await rows.delete()
  else if ((await rows.clone().update({ version })) === 0) await trx('ofVersion').insert({ name: owner, version })
}

async function versionOf(knex: Knex, owner: string): Promise<number> {
  const row = await knex('ofVersion').where({ name: owner }).first<{ version: number } | undefined>('version')
  return row?.version ?? 0
}

/** MySQL has named locks, of the whole server, that belong to a connection: it is let go of when the work is committed, not before. */
async function locked<T>(knex: Knex, work: (connection: Connection) => Promise<T>): Promise<T> {
  const lock = knex.raw("left(concat('beaconfire-migrate-', database()), 64)")
  const client = knex.client as Client
  const connection = (await client.acquireConnection()) as Connection
  try {
    const [row] = await knex.select<{ taken: number | null }[]>(knex.raw('get_lock(?, ?) as taken', [lock, LOCK_SECONDS])).connection(connection)
    if (row?.taken !== 1) throw new MigrationError(`another process has been migrating tables for ${LOCK_SECONDS} s`)
    try {
      return await work(connection)
    } finally {
      // A connection that is gone has let go of it.
      await knex
        .select(knex.raw('release_lock(?)', [lock]))
        .connection(connection)
        .catch(() => connection.destroy())
    }
  } finally {
    await client.releaseConnection(connection)
  }
}
