/** Brings the tables of an owner, core or a plugin, up to date: numbered steps, the last one done kept in `ofVersion`. */
import type { DatabaseClient, Logger, Migration } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
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
    // SQLite copies a table to alter it, which foreign keys forbid; they are checked when the step is done
    const config = client === 'sqlite' ? { enforceForeignCheck: false } : {}
    return await knex.transaction((trx) => withLock(trx, client, () => runUnlessDone(trx, client, owner, step, known)), config)
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

/** SQLite's transaction is itself the lock; MySQL has named ones, of the whole server, that belong to a connection. */
async function withLock<T>(trx: Knex.Transaction, client: DatabaseClient, work: () => Promise<T>): Promise<T> {
  if (client === 'sqlite') return work()
  const lock = trx.raw("left(concat('beaconfire-migrate-', database()), 64)")
  const [taken] = await trx.select<{ taken: number | null }[]>(trx.raw('get_lock(?, ?) as taken', [lock, LOCK_SECONDS]))
  if (taken?.taken !== 1) throw new MigrationError(`another process has been migrating tables for ${LOCK_SECONDS} s`)
  try {
    return await work()
  } finally {
    await trx.select(trx.raw('release_lock(?)', [lock]))
  }
}
