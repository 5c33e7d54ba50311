/** Brings the tables of an owner, core or a plugin, up to date: numbered steps, the last one done kept in `ofVersion`. */
import type { Logger, Migration } from '@beaconfire/plugin-sdk'
import type { Engine } from './engine.js'
import { MigrationError } from './migration-error.js'
import { exclusively, noteVersion } from './migration-lock.js'
import { undoSteps } from './undo-steps.js'

/** The column's width in Openfire's table. */
const LONGEST_OWNER = 50

/** What a migration came to. */
export interface MigratedTables {
  /** What the tables are of; later than the last step known only where that is tolerated. */
  readonly version: number
  /**
   * Takes back the steps that it ran, as far as they can be, where there were tables of an earlier version.
   * @returns why not all could, in words for the operator. Never rejects
   */
  undo(): Promise<string | undefined>
}

/**
 * Each step runs in a transaction together with its version row. On MySQL a change of tables commits by itself, so a step that
 * fails there may leave some behind: it is run again, and should create only what is missing. Processes that migrate at the same
 * time wait for each other.
 * @param served how many steps what has served on these tables so far knows: with as many, tables of a later version are tolerated
 * @throws MigrationError (rejects) when a step fails, when steps are misnumbered, or when the tables are of a later version; steps that
 * were run before the one that failed are taken back then
 */
export async function migrate(
  engine: Engine,
  owner: string,
  migrations: readonly Migration[],
  log: Logger,
  served?: number,
): Promise<MigratedTables> {
  const steps = inOrder(owner, migrations)
  const [row] = await engine.read('select version from ofVersion where name = ?', [owner])
  const done = Number(row?.version ?? 0)
  if (steps.length !== served) refuseLater(owner, done, steps.length)
  const run: Migration[] = []
  // Tables that no version used before are in nobody's way; and what a first step found there, instead of making it, must stay.
  const undo = async () => (done === 0 ? undefined : undoSteps(engine, owner, run.splice(0), log))
  try {
    for (const step of steps.slice(done)) {
      if (!(await runStep(engine, owner, step, steps.length))) continue
      run.push(step)
      log.info({ owner, version: step.version }, 'tables migrated')
    }
  } catch (error) {
    const left = await undo()
    throw left === undefined ? error : new MigrationError(`${(error as Error).message}; ${left}`, { cause: error })
  }
  return { version: Math.max(done, steps.length), undo }
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
  throw new MigrationError(
    `the tables of ${owner} are of version ${done}, but this version of it knows them up to ${known}: install a later one, or bring back a backup of the tables`,
  )
}

/** @returns false when another process has run the step meanwhile */
async function runStep(engine: Engine, owner: string, step: Migration, known: number): Promise<boolean> {
  try {
    return await exclusively(engine, owner, async (trx, done) => {
      refuseLater(owner, done, known)
      if (done >= step.version) return false
      await step.up(trx.schema, { client: engine.client, knex: trx })
      await noteVersion(trx, owner, step.version)
      return true
    })
  } catch (error) {
    if (error instanceof MigrationError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new MigrationError(`migration ${step.version} of ${owner} failed: ${reason}`, { cause: error })
  }
}
