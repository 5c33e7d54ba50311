/** Passwords of accounts: keys in `ofUserScram` for both SCRAM mechanisms, and what an Openfire database may hold besides. */
import { randomBytes } from 'node:crypto'
import { type Database, fromDateColumn } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { Credentials, ScramKeys, ScramMechanism } from './credentials.js'
import { DecoyKeys } from './decoy-keys.js'
import { deriveKeys, isPasswordOf, KEY_BYTES, tryPreparePassword } from './password-keys.js'
import { decodeBase64 } from './sasl-identity.js'
import { VerifiedPasswords } from './verified-passwords.js'

export type Iterations = Readonly<Record<ScramMechanism, number>>
/** SHA-1 as Openfire, which may use the same database. */
export const DEFAULT_ITERATIONS: Iterations = { 'SCRAM-SHA-1': 4096, 'SCRAM-SHA-256': 10_000 }

/** SHA-1 first: it checks passwords, as it is the one that every account of an Openfire database has, and all must take the same time. */
const MECHANISMS: readonly ScramMechanism[] = ['SCRAM-SHA-1', 'SCRAM-SHA-256']
const SALT_BYTES = 24
/** The row of `ofUserFlag` that keeps an account from logging in. */
export const LOCKOUT = 'lockout'

const KEYS_OF = `select u.username, u.plainPassword, s.mechanism, s.storedKey, s.serverKey, s.salt, s.iterations
  from ofUser u left join ofUserScram s on s.username = u.username where u.username = ?`
const LACKING = `select u.username from ofUser u left join ofUserScram s on s.username = u.username and s.mechanism = ?
  where s.username is null and u.plainPassword is null limit 1`
const FLAG_OF = 'select name, startTime, endTime from ofUserFlag where username = ? and name = ?'

interface ScramRow {
  readonly mechanism: string | null
  readonly storedKey: string | null
  readonly serverKey: string | null
  readonly salt: string | null
  readonly iterations: number | null
}
interface StoredCredentials {
  readonly keys: ReadonlyMap<ScramMechanism, ScramKeys>
  /** Openfire's, where it was told to keep passwords readable. */
  readonly plainPassword: string | undefined
}

export class CredentialStore implements Credentials {
  readonly #database: Database
  readonly #iterations: Iterations
  readonly #decoys: DecoyKeys
  readonly #verified = new VerifiedPasswords()

  constructor(database: Database, iterations: Iterations) {
    this.#database = database
    this.#iterations = iterations
    this.#decoys = new DecoyKeys(database)
  }

  async scramKeys(username: string, mechanism: ScramMechanism): Promise<ScramKeys> {
    // made for every name, so that making them takes no time that tells
    const decoy = await this.#decoys.of(username, mechanism, this.#iterations[mechanism])
    const stored = await this.#load(username)
    return stored?.keys.get(mechanism) ?? decoy
  }

  async verifyPassword(username: string, password: string): Promise<boolean> {
    const decoy = await this.#decoys.of(username, 'SCRAM-SHA-1', this.#iterations['SCRAM-SHA-1'])
    const stored = await this.#load(username)
    const mechanism = stored && !stored.keys.has('SCRAM-SHA-1') && stored.keys.has('SCRAM-SHA-256') ? 'SCRAM-SHA-256' : 'SCRAM-SHA-1'
    const keys = stored?.keys.get(mechanism) ?? decoy
    const prepared = tryPreparePassword(password)
    if (prepared !== undefined && this.#verified.has(username, prepared, keys.storedKey)) return true
    const right = (await isPasswordOf(keys, mechanism, prepared ?? '')) && prepared !== undefined && keys !== decoy
    if (!right) return false
    this.#verified.remember(username, prepared, keys.storedKey)
    if (stored) await this.#addMissing(username, prepared, stored.keys)
    return true
  }

  async isDisabled(username: string): Promise<boolean> {
    const [row] = await this.#database.read<LockoutRow>(FLAG_OF, [username, LOCKOUT])
    return isLockedOut(row, Date.now())
  }

  /**
   * True when every account can log in by this mechanism. An Openfire database holds keys for SCRAM-SHA-1 alone until
   * each user has logged in with PLAIN or changed the password: till then SCRAM-SHA-256 should not be offered.
   */
  async hasKeysForAll(mechanism: ScramMechanism): Promise<boolean> {
    const lacking = await this.#database.read(LACKING, [mechanism])
    return lacking.length === 0
  }

  /** Keys of a new password, for {@link write}. The password is prepared. */
  async derive(password: string, mechanisms: readonly ScramMechanism[] = MECHANISMS): Promise<ReadonlyMap<ScramMechanism, ScramKeys>> {
    const made = mechanisms.map(async (mechanism) => {
      return [mechanism, await deriveKeys(mechanism, password, randomBytes(SALT_BYTES), this.#iterations[mechanism])] as const
    })
    return new Map(await Promise.all(made))
  }

  /** Replaces all keys of the account. */
  async write(trx: Knex, username: string, keys: ReadonlyMap<ScramMechanism, ScramKeys>): Promise<void> {
    await trx('ofUserScram').where({ username }).del()
    await trx('ofUserScram').insert(scramRows(username, keys))
  }

  /** The password or the state of the account has changed. */
  forget(username: string): void {
    this.#verified.forget(username)
  }

  /** One query for account and keys, so that a known name takes no query more than an unknown one. */
  async #load(username: string): Promise<StoredCredentials | undefined> {
    const rows = await this.#database.read<ScramRow & { username: string; plainPassword: string | null }>(KEYS_OF, [username])
    const own = rows.filter((row) => row.username === username) // a MySQL collation may have let another name match
    if (own.length === 0) return undefined
    const keys = new Map<ScramMechanism, ScramKeys>()
    for (const mechanism of MECHANISMS) {
      const read = readKeys(mechanism, own)
      if (read) keys.set(mechanism, read)
    }
    const plainPassword = own[0]?.plainPassword ?? undefined
    if (plainPassword === undefined || keys.size === MECHANISMS.length) return { keys, plainPassword }
    const prepared = tryPreparePassword(plainPassword)
    return { keys: prepared === undefined ? keys : await this.#addMissing(username, prepared, keys), plainPassword }
  }

  /** Completes an account of an Openfire database, which has SCRAM-SHA-1 at most, once its password is known. */
  async #addMissing(username: string, password: string, present: ReadonlyMap<ScramMechanism, ScramKeys>) {
    const missing = MECHANISMS.filter((mechanism) => !present.has(mechanism))
    if (missing.length === 0) return present
    const made = await this.derive(password, missing)
    // in a column that could not be read there may be a row; a login under way on another stream may have added it, too
    await this.#database.knex('ofUserScram').insert(scramRows(username, made)).onConflict(['username', 'mechanism']).ignore()
    return new Map([...present, ...made])
  }
}

interface LockoutRow {
  readonly name: string | null
  readonly startTime: string | null
  readonly endTime: string | null
}

/** Openfire's rule: no start means already, no end means for ever. A missing row is no lockout. */
export function isLockedOut(row: LockoutRow | undefined, now: number): boolean {
  if (!row || row.name === null) return false
  const hasBegun = row.startTime === null || fromDateColumn(row.startTime).getTime() <= now
  const hasEnded = row.endTime !== null && fromDateColumn(row.endTime).getTime() <= now
  return hasBegun && !hasEnded
}

function scramRows(username: string, keys: ReadonlyMap<ScramMechanism, ScramKeys>) {
  return [...keys].map(([mechanism, { salt, iterations, storedKey, serverKey }]) => ({
    username,
    mechanism,
    storedKey: storedKey.toString('base64'),
    serverKey: serverKey.toString('base64'),
    salt: salt.toString('base64'),
    iterations,
  }))
}

/** undefined when there is no row, or none that a client could use. */
function readKeys(mechanism: ScramMechanism, rows: readonly ScramRow[]): ScramKeys | undefined {
  const row = rows.find((candidate) => candidate.mechanism === mechanism)
  if (!row?.storedKey || !row.serverKey || !row.salt || !row.iterations || row.iterations < 1) return undefined
  const [salt, storedKey, serverKey] = [decodeBase64(row.salt), decodeBase64(row.storedKey), decodeBase64(row.serverKey)]
  const length = KEY_BYTES[mechanism]
  if (!salt || storedKey?.length !== length || serverKey?.length !== length) return undefined
  return { salt, iterations: row.iterations, storedKey, serverKey }
}
