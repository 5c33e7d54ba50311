/** Brings the tables of an owner, core or a plugin, up to date: numbered steps, the last one done kept in `ofVersion`. */
import type { DatabaseClient, Logger, Migration } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type Client from 'knex/lib/client.js'
import type { Connection } from 'mysql2'
import type { Engine } from './engine.js'

/** The column's width in Openfire's table. */
const LONGEST_OWNER = 50
const LOCK_SECONDS = 60

/** Why the tables of an owner cannot be used. `cause` is the database's error, where it was one. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly code = 'MIGRATION'
}

/**
 * Each step runs in a transaction together with its version row. On MySQL a change of tables commits by itself, so a step that
 * fails there may leave some behind: it is run again, and should create only what is missing. Processes that migrate at the same
 * time wait for each other.
 * @throws MigrationError (rejects) when a step fails, when steps are misnumbered, or when the tables are of a later version
 */
export async function migrate({ knex, client, read }: Engine, owner: string, migrations: readonly Migration[], log: Logger): Promise<void> {
  const steps = inOrder(owner, migrations)
  const [row] = await read('select version from ofVersion where name = ?', [owner])
  const done = Number(row?.version ?? 0)
  refuseLater(owner, done, steps.length)
  for (const step of steps.slice(done)) {
    const isRun = await runStep(knex, client, owner, step, steps.length)
    if (isRun) log.info({ owner, version: step.version }, 'tables migrated')
  }
}

function inOrder(owner: string, migrations: readonly Migration[]): readonly Migration[] {
  if (owner.length === 0 || owner.length > LONGEST_OWNER) throw new MigrationError(`"${owner}" is no name of 1 to ${LONGEST_OWNER} characters`)
  const steps = [...migrations].sort((a, b) => a.version - b.version)
  for (const [index, { version }] of steps.entries()) {
    if (version !== index + 1) throw new MigrationError(`migrations of ${owner} must be numbered 1, 2, 3…; found ${version} in place of ${index + 1}`)
  }
  return steps
}

function refuseLater(owner: string, done: number, known: number): void {
  if (done <= known) return
  throw new MigrationError(`the tables of ${owner} are of version ${done}, but this version of it knows them up to ${known}: install a later one`)
}

async function versionOf(knex: Knex, owner: string): Promise<number> {
  const row = await knex('ofVersion').where({ name: owner }).first<{ version: number } | undefined>('version')
  return row?.version ?? 0
}

/** @returns false when another process has run the step meanwhile */
async function runStep(knex: Knex, client: DatabaseClient, owner: string, step: Migration, known: number): Promise<boolean> {
  try {
    if (client === 'mysql') return await runLocked(knex, owner, step, known)
    // SQLite copies a table to alter it, which foreign keys forbid; they are checked when the step is done. The transaction is the lock.
    return await knex.transaction((trx) => runUnlessDone(trx, client, owner, step, known), { enforceForeignCheck: false })
  } catch (error) {
    if (error instanceof MigrationError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new MigrationError(`migration ${step.version} of ${owner} failed: ${reason}`, { cause: error })
  }
}

async function runUnlessDone(trx: Knex.Transaction, client: DatabaseClient, owner: string, step: Migration, known: number): Promise<boolean> {
  const done = await versionOf(trx, owner)
  refuseLater(owner, done, known)
  if (done >= step.version) return false
  await step.up(trx.schema, { client, knex: trx })
  if (done === 0) await trx('ofVersion').insert({ name: owner, version: step.version })
  else await trx('ofVersion').where({ name: owner }).update({ version: step.version })
  return true
}

/** MySQL has named locks, of the whole server, that belong to a connection: it is let go of when the step is committed, not before. */
async function runLocked(knex: Knex, owner: string, step: Migration, known: number): Promise<boolean> {
  const lock = knex.raw("left(concat('beaconfire-migrate-', database()), 64)")
  const client = knex.client as Client
  const connection = (await client.acquireConnection()) as Connection
  try {
    const [row] = await knex.select<{ taken: number | null }[]>(knex.raw('get_lock(?, ?) as taken', [lock, LOCK_SECONDS])).connection(connection)
    if (row?.taken !== 1) throw new MigrationError(`another process has been migrating tables for ${LOCK_SECONDS} s`)
    try {
      return await knex.transaction((trx) => runUnlessDone(trx, 'mysql', owner, step, known), { connection })
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
