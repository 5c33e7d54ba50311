/** Openfire's own schema, where the database belongs to one of its installations: told by the row `openfire` of `ofVersion` (openfire.md §3.1). */
import type { Knex } from 'knex'

export const OLDEST_OPENFIRE = 25
export const NEWEST_OPENFIRE = 40
/** From this version on the keys of SCRAM are in a table of their own; up to the one before, in columns of `ofUser`. */
export const SCRAM_TABLE_SINCE = 39
const SCRAM_COLUMNS = ['storedKey', 'serverKey', 'salt', 'iterations']

/** The database is an Openfire installation's that cannot be served. Nothing was changed. */
export class OpenfireUnsupported extends Error {
  override readonly name = 'OpenfireUnsupported'
  readonly code = 'OPENFIRE_UNSUPPORTED'
}

/** @returns the version of Openfire's schema; undefined when the database is none of Openfire's */
export async function openfireVersionOf(knex: Knex): Promise<number | undefined> {
  if (!(await knex.schema.hasTable('ofVersion'))) return undefined
  const row = await knex('ofVersion').where({ name: 'openfire' }).first<{ version: number } | undefined>('version')
  return row && Number(row.version)
}

/**
 * Looks before anything is written.
 * @returns the version; undefined when the database is none of Openfire's
 * @throws OpenfireUnsupported for a version outside {@link OLDEST_OPENFIRE} to {@link NEWEST_OPENFIRE}, or an upgrade broken off half-way
 */
export async function supportedOpenfireVersion(knex: Knex): Promise<number | undefined> {
  const version = await openfireVersionOf(knex)
  if (version === undefined) return undefined
  const fault = faultOfVersion(version) ?? (await faultOfTables(knex, version))
  if (fault !== undefined) throw new OpenfireUnsupported(`the database is of Openfire's schema version ${version}: ${fault}; nothing was changed`)
  return version
}

/** What keeps a version from being served, in words; undefined when nothing does. */
export function faultOfVersion(version: number): string | undefined {
  if (version > NEWEST_OPENFIRE) return `this server knows it up to ${NEWEST_OPENFIRE}: install a later release of it`
  if (version < OLDEST_OPENFIRE) return `this server knows it from ${OLDEST_OPENFIRE} on: let a later Openfire upgrade it first`
  return undefined
}

/** MySQL commits each change of a table by itself, so that an upgrade of Openfire's that failed leaves a mixture. */
export async function faultOfTables(knex: Knex, version: number): Promise<string | undefined> {
  const halfDone = (what: string) => `its upgrade was broken off half-way (${what}): let Openfire finish it first`
  if (!(await knex.schema.hasTable('ofUser'))) return halfDone('there is no table ofUser')
  const hasTable = await knex.schema.hasTable('ofUserScram')
  // The columns may be there still: version 40 drops them, and nobody reads them before.
  if (version >= SCRAM_TABLE_SINCE) return hasTable ? undefined : halfDone('there is no table ofUserScram')
  const missing = await missingScramColumns(knex)
  if (missing.length > 0) return halfDone(`ofUser has no column ${missing.join(', ')}`)
  if (!hasTable || (await isLeftByFirstRelease(knex))) return undefined
  return halfDone(`there is a table ofUserScram, which it has from version ${SCRAM_TABLE_SINCE} on`)
}

/**
 * True when the first release of this server was the last to migrate the database. It made `ofUserScram`, whatever the schema; what
 * came after makes `ofUserScramExtra` before it says in `ofVersion` that it was there, and never `ofUserScram`.
 */
export async function isLeftByFirstRelease(knex: Knex): Promise<boolean> {
  const row = await knex('ofVersion').where({ name: 'beaconfire' }).first<{ version: number } | undefined>('version')
  return Number(row?.version) === 1 && !(await knex.schema.hasTable('ofUserScramExtra'))
}

async function missingScramColumns(knex: Knex): Promise<string[]> {
  const present = new Set(Object.keys(await knex('ofUser').columnInfo()).map((it) => it.toLowerCase()))
  return SCRAM_COLUMNS.filter((it) => !present.has(it.toLowerCase()))
}
