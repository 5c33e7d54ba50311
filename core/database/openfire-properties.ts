/** Reads `ofProperty` of an Openfire installation before the server is configured (openfire.md §3.3). */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { OpenfireProperties } from '../config/openfire-properties.js'
import type { DatabaseConfig } from '../config/server-config.js'
import { supportedOpenfireVersion } from './openfire-schema.js'

const MOST_PROPERTIES = 20_000
const NONE: OpenfireProperties = new Map()

/**
 * Opens the database for this alone. Nothing is read of SQLite, which Openfire does not run on.
 * @throws (rejects) the database's error; OpenfireUnsupported
 */
export async function openfireProperties(config: DatabaseConfig, log: Logger): Promise<OpenfireProperties> {
  if (config.client !== 'mysql') return NONE
  const { openMysql } = await import('./mysql-client.js')
  const engine = await openMysql(config, log)
  try {
    return (await supportedOpenfireVersion(engine.knex)) === undefined ? NONE : await readProperties(engine.knex)
  } finally {
    await engine.close()
  }
}

/** Those that are encrypted are left out: the key is in a file of Openfire's. */
export async function readProperties(knex: Knex): Promise<OpenfireProperties> {
  if (!(await knex.schema.hasTable('ofProperty'))) return NONE
  const rows: { name: string; propValue: string; encrypted: number | null }[] = await knex('ofProperty')
    .limit(MOST_PROPERTIES)
    .select('name', 'propValue', 'encrypted')
  return new Map(rows.filter((it) => it.encrypted !== 1).map((it) => [it.name, it.propValue]))
}
