/** Takes migrations back that came with a version which failed, so that the one before can be started again. */
import type { Logger, Migration } from '@beaconfire/plugin-sdk'
import type { Engine } from './engine.js'
import { exclusively, noteVersion } from './migration-lock.js'

/**
 * Last first, as far as they can be.
 * @param steps that were run just now
 * @returns in words for the operator, why the tables stay at a later version than they were of; undefined when they do not
 */
export async function undoSteps(engine: Engine, owner: string, steps: readonly Migration[], log: Logger): Promise<string | undefined> {
  for (const step of steps.toReversed()) {
    const obstacle = await undoStep(engine, owner, step)
    if (obstacle !== undefined) {
      return (
        `the tables of ${owner} stay at version ${step.version}, since ${obstacle}: what knows them only up to an earlier one may serve on while ` +
        'this server runs, but is refused when it is started again; before that, install a mended later version, or bring back a backup of the tables'
      )
    }
    log.info({ owner, version: step.version - 1 }, 'tables taken back to an earlier version')
  }
  return undefined
}

/** @returns why it cannot be */
async function undoStep(engine: Engine, owner: string, { version, down }: Migration): Promise<string | undefined> {
  if (!down) return `migration ${version} has no down`
  try {
    return await exclusively(engine, owner, async (trx, found) => {
      if (found !== version) return `another process has brought them to version ${found}`
      await down(trx.schema, { client: engine.client, knex: trx })
      await noteVersion(trx, owner, version - 1)
      return undefined
    })
  } catch (error) {
    return `down of migration ${version} failed: ${error instanceof Error ? error.message : String(error)}`
  }
}
