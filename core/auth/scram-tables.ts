/**
 * Where the keys of SCRAM are. In a database of our own both mechanisms are rows of `ofUserScram`. In an Openfire installation's, that of
 * SHA-1 is where its schema has it, in columns of `ofUser` or in `ofUserScram`, and nothing else is put there; that of SHA-256 is in a
 * table of ours, `ofUserScramExtra`, beside the SHA-1 key it was made with: when Openfire changes a password, the row counts no more.
 */
import type { DatabaseClient } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import { SCRAM_TABLE_SINCE } from '../database/openfire-schema.js'
import type { ScramKeys, ScramMechanism } from './credentials.js'

export type KeysByMechanism = ReadonlyMap<ScramMechanism, ScramKeys>

/** An account as its passwords are stored; one row. */
export interface PasswordRow {
  readonly username: string
  readonly plainPassword: string | null
  readonly encryptedPassword: string | null
  readonly storedKey1: string | null
  readonly serverKey1: string | null
  readonly salt1: string | null
  readonly iterations1: number | null
  readonly storedKey256: string | null
  readonly serverKey256: string | null
  readonly salt256: string | null
  readonly iterations256: number | null
  /** The SHA-1 key that the one of SHA-256 belongs to; null where both are always written together. */
  readonly basis: string | null
}

export interface ScramTables {
  /** Selects the {@link PasswordRow} of one account. */
  readonly rowOf: string
  /** How often its name is bound there. */
  readonly names: number
  /** Selects {@link PasswordRow}s of encrypted passwords, up to a bound number, without keys of SCRAM-SHA-256. */
  readonly encrypted: string
  /** Selects {@link PasswordRow}s by name, behind a bound name, up to a bound number, without keys of SCRAM-SHA-256. */
  readonly page: string
  /**
   * Selects accounts without a usable key of the mechanism, by name, behind a bound name, up to a bound number.
   * @param among `unreadable`: only those whose password is in no other column
   */
  lacking(mechanism: ScramMechanism, among: 'all' | 'unreadable'): string
  /** Replaces all keys of an account whose row in `ofUser` is there. */
  replace(trx: Knex, username: string, keys: KeysByMechanism): Promise<void>
  /** Adds `made` to keys that are there; `all` holds both. A row that another process added meanwhile is left alone. */
  add(knex: Knex, username: string, made: KeysByMechanism, all: KeysByMechanism): Promise<void>
  remove(trx: Knex, username: string): Promise<void>
}

/** @param openfireVersion of the schema; undefined in a database of our own */
export function scramTables(client: DatabaseClient, openfireVersion: number | undefined): ScramTables {
  if (openfireVersion === undefined) return OWN
  return besideOpenfire(client, openfireVersion >= SCRAM_TABLE_SINCE)
}

const ACCOUNT = 'select u.username, u.plainPassword, u.encryptedPassword'
const SHA_1 = (table: string) =>
  `${table}.storedKey as storedKey1, ${table}.serverKey as serverKey1, ${table}.salt as salt1, ${table}.iterations as iterations1`
const SHA_256 = 'x.storedKey as storedKey256, x.serverKey as serverKey256, x.salt as salt256, x.iterations as iterations256'
const JOIN_SHA_1 = `left join ofUserScram s on s.username = ? and s.mechanism = 'SCRAM-SHA-1'`
const JOIN_SHA_256 = `left join ofUserScramExtra x on x.username = ? and x.mechanism = 'SCRAM-SHA-256'`

const SHA_1_OF = `left join ofUserScram s on s.username = u.username and s.mechanism = 'SCRAM-SHA-1'`
const UNREADABLE = { all: '', unreadable: 'and u.encryptedPassword is null and u.plainPassword is null' } as const
const PAGE = 'where u.username > ? order by u.username limit ?'
const ENCRYPTED = 'where u.encryptedPassword is not null order by u.username limit ?'

const OWN: ScramTables = {
  names: 1,
  encrypted: `${ACCOUNT}, ${SHA_1('s')} from ofUser u ${SHA_1_OF} ${ENCRYPTED}`,
  page: `${ACCOUNT}, ${SHA_1('s')} from ofUser u ${SHA_1_OF} ${PAGE}`,
  rowOf: `${ACCOUNT}, ${SHA_1('s')}, ${SHA_256}, null as basis from ofUser u ${SHA_1_OF}
    left join ofUserScram x on x.username = u.username and x.mechanism = 'SCRAM-SHA-256' where u.username = ?`,
  lacking: (mechanism, among) => `${ACCOUNT} from ofUser u left join ofUserScram s on s.username = u.username and s.mechanism = '${mechanism}'
    where s.username is null and u.username > ? ${UNREADABLE[among]} order by u.username limit ?`,
  async replace(trx, username, keys) {
    await trx('ofUserScram').where({ username }).del()
    await trx('ofUserScram').insert([...keys].map(([mechanism, it]) => ({ username, mechanism, ...columnsOf(it) })))
  },
  async add(knex, username, made) {
    const rows = [...made].map(([mechanism, it]) => ({ username, mechanism, ...columnsOf(it) }))
    await knex('ofUserScram').insert(rows).onConflict(['username', 'mechanism']).ignore()
  },
  async remove(trx, username) {
    await trx('ofUserScram').where({ username }).del()
  },
}

function besideOpenfire(client: DatabaseClient, hasTable: boolean): ScramTables {
  // Openfire's tables may be of any character set, in which nothing would compare to ours but by conversion
  const comparable = (column: string) => (client === 'mysql' ? `convert(${column} using utf8mb4) collate utf8mb4_bin` : column)
  const own = hasTable ? 's' : 'u'
  const sha1Of = hasTable ? SHA_1_OF : ''
  const writeSha1 = hasTable ? writeRow : writeColumns
  return {
    rowOf: `${ACCOUNT}, ${SHA_1(own)}, ${SHA_256}, x.basis
      from ofUser u ${hasTable ? JOIN_SHA_1 : ''} ${JOIN_SHA_256} where u.username = ?`,
    names: hasTable ? 3 : 2,
    encrypted: `${ACCOUNT}, ${SHA_1(own)} from ofUser u ${sha1Of} ${ENCRYPTED}`,
    page: `${ACCOUNT}, ${SHA_1(own)} from ofUser u ${sha1Of} ${PAGE}`,
    lacking: (mechanism, among) =>
      mechanism === 'SCRAM-SHA-1'
        ? `${ACCOUNT} from ofUser u ${sha1Of} where ${own}.storedKey is null and u.username > ? ${UNREADABLE[among]} order by u.username limit ?`
        : `${ACCOUNT} from ofUser u ${sha1Of} left join ofUserScramExtra x on x.username = ${comparable('u.username')} and x.mechanism = '${mechanism}'
    where (x.username is null or ${own}.storedKey is null or x.basis <> ${comparable(`${own}.storedKey`)}) and u.username > ? ${UNREADABLE[among]} order by u.username limit ?`,
    async replace(trx, username, keys) {
      await writeSha1(trx, username, keys)
      await writeExtra(trx, username, keys, keys)
    },
    async add(knex, username, made, all) {
      if (made.has('SCRAM-SHA-1')) await writeSha1(knex, username, made)
      await writeExtra(knex, username, made, all)
    },
    async remove(trx, username) {
      if (hasTable) await trx('ofUserScram').where({ username }).del()
      await trx('ofUserScramExtra').where({ username }).del()
    },
  }
}

/** Schema versions from {@link SCRAM_TABLE_SINCE} on. */
async function writeRow(trx: Knex, username: string, keys: KeysByMechanism): Promise<void> {
  const sha1 = keys.get('SCRAM-SHA-1')
  if (!sha1) return
  const row = { username, mechanism: 'SCRAM-SHA-1', ...columnsOf(sha1) }
  await trx('ofUserScram')
    .insert(row)
    .onConflict(['username', 'mechanism'])
    .merge(Object.keys(columnsOf(sha1)))
}

/** Schema versions before. */
async function writeColumns(trx: Knex, username: string, keys: KeysByMechanism): Promise<void> {
  const sha1 = keys.get('SCRAM-SHA-1')
  if (sha1) await trx('ofUser').where({ username }).update(columnsOf(sha1))
}

async function writeExtra(trx: Knex, username: string, made: KeysByMechanism, all: KeysByMechanism): Promise<void> {
  const sha256 = made.get('SCRAM-SHA-256')
  const basis = all.get('SCRAM-SHA-1')?.storedKey.toString('base64')
  if (!sha256 || basis === undefined) return
  const columns = { ...columnsOf(sha256), basis }
  const row = { username, mechanism: 'SCRAM-SHA-256', ...columns }
  await trx('ofUserScramExtra').insert(row).onConflict(['username', 'mechanism']).merge(Object.keys(columns))
}

function columnsOf({ salt, iterations, storedKey, serverKey }: ScramKeys) {
  const text = (bytes: Buffer) => bytes.toString('base64')
  return { storedKey: text(storedKey), serverKey: text(serverKey), salt: text(salt), iterations }
}
