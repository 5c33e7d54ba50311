/** The check itself: one transaction that may only read, from the schema's version to the last row. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import { loadConfig } from '../../config/load-config.js'
import { configFromProperties, type OpenfireProperties } from '../../config/openfire-properties.js'
import type { ServerConfig } from '../../config/server-config.js'
import { readProperties } from '../../database/openfire-properties.js'
import { faultOfTables, faultOfVersion, openfireVersionOf } from '../../database/openfire-schema.js'
import { pluginProperties } from './plugin-properties.js'
import type { Progress } from './progress.js'
import type { CheckReport, Finding, PasswordReport, PropertyReport, TableReport } from './report.js'
import { scanPasswords } from './scan-passwords.js'
import { findDuplicates, readingDatabase, scanRows, scansOf } from './scan-rows.js'
import { listTables, NEEDED } from './tables.js'

interface Found {
  readonly version: number | undefined
  readonly tables: readonly TableReport[]
  readonly properties: OpenfireProperties
  readonly passwords: PasswordReport | undefined
  readonly findings: readonly Finding[]
  readonly blocking: readonly string[]
}

/** @throws (rejects) the database's error when it cannot be reached or read */
export async function checkOpenfire(config: ServerConfig, env: NodeJS.ProcessEnv, log: Logger, progress: Progress): Promise<CheckReport> {
  const { openMysql } = await import('../../database/mysql-client.js')
  const engine = await openMysql(config.database, log)
  try {
    return await engine.knex.transaction((trx) => check(trx, config, env, progress), { readOnly: true })
  } finally {
    progress.end()
    await engine.close()
  }
}

async function check(trx: Knex, config: ServerConfig, env: NodeJS.ProcessEnv, progress: Progress): Promise<CheckReport> {
  const version = await openfireVersionOf(trx)
  const tables = await listTables(trx)
  const blocking = await reasonsAgainst(trx, version, tables)
  const properties = await readProperties(trx)
  const found: Found = { version, tables, properties, passwords: undefined, findings: [], blocking }
  if (version === undefined || blocking.length > 0) return reportOf(trx, found, config, env)
  const { domain } = loadConfig({ env, under: configFromProperties(properties).tree })
  const rows = (name: string) => tables.find((it) => it.name === name)
  const passwordScan = { version, config: config.openfire, total: rows('ofUser')?.rows ?? 0, progress }
  const passwords = await scanPasswords(readingDatabase(trx), trx, passwordScan)
  const findings = await findDuplicates(trx)
  for (const scan of scansOf(domain)) {
    const table = rows(scan.table)
    if (table) findings.push(...(await scanRows(trx, scan, table, progress)))
  }
  return reportOf(trx, { ...found, passwords, findings }, config, env)
}

async function reasonsAgainst(trx: Knex, version: number | undefined, tables: readonly TableReport[]): Promise<string[]> {
  if (version === undefined) return ['the database is none of an Openfire installation: ofVersion has no row "openfire"']
  const unknown = faultOfVersion(version)
  if (unknown !== undefined) return [unknown]
  const missing = NEEDED.filter((name) => !tables.some((it) => it.name === name))
  const halfDone = await faultOfTables(trx, version)
  return [...(halfDone === undefined ? [] : [halfDone]), ...missing.map((it) => `there is no table ${it}`)]
}

async function reportOf(trx: Knex, found: Found, config: ServerConfig, env: NodeJS.ProcessEnv): Promise<CheckReport> {
  const { version, tables, properties, passwords, findings } = found
  const { taken, refused } = configFromProperties(properties)
  const given = loadConfig({ env, under: configFromProperties(properties).tree })
  const honoured: PropertyReport[] = []
  const overruled: PropertyReport[] = []
  for (const [key, property] of taken) {
    const isHonoured = config.openfire.useProperties && sameValue(at(given, key), at(configFromProperties(properties).tree, key))
    ;(isHonoured ? honoured : overruled).push({ property, key })
  }
  const ofPlugins = await pluginProperties(properties, given, env)
  const monitoring =
    version === undefined ? undefined : await trx('ofVersion').where({ name: 'monitoring' }).first<{ version: number } | undefined>('version')
  return {
    database: config.database.connection.database,
    schemaVersion: version,
    monitoringVersion: monitoring && Number(monitoring.version),
    tables,
    passwords,
    honoured: [...honoured, ...ofPlugins.honoured],
    overruled: [...overruled, ...ofPlugins.overruled],
    findings,
    blocking: [...found.blocking, ...(version === undefined ? [] : providerFaults(properties))],
    losses: [...lossesOf(tables, passwords, findings), ...refused, ...ofPlugins.refused],
    notes: notesOf(tables, properties, given),
  }
}

/** Classes that read users and passwords from the tables. Any other reads them from elsewhere, such as a directory. */
const OWN_PROVIDERS =
  /^org\.jivesoftware\.openfire\.(?:auth\.(?:DefaultAuthProvider|HybridAuthProvider)|user\.DefaultUserProvider|group\.DefaultGroupProvider)$/

function providerFaults(properties: OpenfireProperties): string[] {
  return ['auth', 'user', 'group'].flatMap((kind) => {
    const name = `provider.${kind}.className`
    const value = properties.get(name)
    if (value === undefined || value === '' || OWN_PROVIDERS.test(value)) return []
    return [`${name} is ${value}: its ${kind === 'group' ? 'groups' : 'users'} are not in the tables`]
  })
}

function lossesOf(tables: readonly TableReport[], passwords: PasswordReport | undefined, findings: readonly Finding[]): string[] {
  const losses: string[] = []
  const rowsOf = (name: string) => tables.find((it) => it.name === name)?.rows ?? 0
  if (passwords && passwords.unverifiable > 0) {
    losses.push(
      `${passwords.unverifiable} accounts have no password that can be verified and cannot log in (${passwords.unverifiableExamples.join(', ')})`,
    )
  }
  if (passwords && passwords.encryptedUnreadable > 0) {
    losses.push(
      `${passwords.encryptedUnreadable} encrypted passwords cannot be read (${passwords.cipher}); such accounts log in by their keys, if they have some`,
    )
  }
  if (rowsOf('ofExtComponentConf') > 0) losses.push('ofExtComponentConf: rules for components are not honoured')
  if (rowsOf('ofRemoteServerConf') > 0) losses.push('ofRemoteServerConf: rules for other servers are not honoured')
  if (findings.length > 0) losses.push(`${findings.reduce((sum, it) => sum + it.rows, 0)} rows cannot be understood as they are`)
  return losses
}

const WIDE = new Set(['utf8mb4', 'utf16', 'utf32'])

function notesOf(tables: readonly TableReport[], properties: OpenfireProperties, config: ServerConfig): string[] {
  const notes: string[] = []
  const narrow = [...new Set(tables.filter((it) => it.use === 'served' && it.charset && !WIDE.has(it.charset)).map((it) => it.charset))]
  if (narrow.length > 0)
    notes.push(`tables of character set ${narrow.join(', ')}: XML keeps every character, names and groups of contacts only those of the set`)
  const rooms = tables.find((it) => it.name === 'ofMucRoom')?.rows ?? 0
  if (rooms > 0) notes.push(`${rooms} rooms are kept as they are defined`)
  const unknown = tables.filter((it) => it.use === 'unknown').map((it) => it.name)
  if (unknown.length > 0) notes.push(`tables that nothing is known of, left as they are: ${unknown.join(', ')}`)
  const domain = properties.get('xmpp.domain')
  if (domain !== undefined && domain !== config.domain)
    notes.push(`the configuration's domain is ${config.domain}, that of the installation ${domain}`)
  return notes
}

function at(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((below, key) => (below as Record<string, unknown> | undefined)?.[key], tree)
}

function sameValue(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
