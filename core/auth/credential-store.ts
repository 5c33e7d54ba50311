/** Passwords of accounts: keys of both SCRAM mechanisms, and what an Openfire database may hold besides. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Database, fromDateColumnOr, type Logger, type MaybePromise, whenDone } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { Credentials, ScramKeys, ScramMechanism } from './credentials.js'
import { DecoyKeys } from './decoy-keys.js'
import { type OpenfirePasswordConfig, OpenfirePasswords, type PasswordColumns } from './openfire-passwords.js'
import { deriveKeys, isPasswordOf, tryPreparePassword } from './password-keys.js'
import { type KeysByMechanism, type PasswordRow, type ScramTables, scramTables } from './scram-tables.js'
import { readKeys } from './stored-keys.js'
import { UsableAccounts } from './usable-accounts.js'
import { VerifiedPasswords } from './verified-passwords.js'

export type Iterations = Readonly<Record<ScramMechanism, number>>
/** SHA-1 as Openfire, which may use the same database. */
export const DEFAULT_ITERATIONS: Iterations = { 'SCRAM-SHA-1': 4096, 'SCRAM-SHA-256': 10_000 }

/** SHA-1 first: it checks passwords, as it is the one that every account of an Openfire database has, and all must take the same time. */
const MECHANISMS: readonly ScramMechanism[] = ['SCRAM-SHA-1', 'SCRAM-SHA-256']
const SALT_BYTES = 24
/** The row of `ofUserFlag` that keeps an account from logging in. */
export const LOCKOUT = 'lockout'
/** Accounts looked at together while it is told whether all have keys. */
const LACKING_PAGE = 500

/** One row with 1: there are accounts, and a password in one of the readable columns for each. */
const READABLE = `select distinct case when coalesce(plainPassword, '') <> '' or coalesce(encryptedPassword, '') <> '' then 1 else 0 end as isReadable from ofUser`
const FLAG_OF =
  'select u.username, f.name, f.startTime, f.endTime from ofUser u left join ofUserFlag f on f.username = u.username and f.name = ? where u.username = ?'

export interface CredentialStoreOptions {
  readonly database: Database
  /** PBKDF2 rounds of passwords set from now on. */
  readonly iterations?: Iterations | undefined
  /** Of an Openfire installation's schema, where the database is one's. */
  readonly openfireVersion?: number | undefined
  readonly openfire?: OpenfirePasswordConfig | undefined
  /** New passwords are kept readable beside their keys. */
  readonly keepsReadable?: boolean | undefined
  readonly log?: Logger | undefined
  /** Milliseconds that never go back; `performance.now` unless given. */
  readonly now?: (() => number) | undefined
}

interface StoredCredentials {
  readonly keys: KeysByMechanism
  /** Openfire's, where it was told to keep passwords readable: then it decides, as it does there. */
  readonly readable: string | undefined
}

/** What a new password is stored as. */
export interface NewPassword {
  readonly keys: KeysByMechanism
  readonly columns: PasswordColumns
}

export class CredentialStore implements Credentials {
  readonly #database: Database
  readonly #tables: ScramTables
  readonly #openfire: OpenfirePasswords
  readonly #iterations: Iterations | undefined
  readonly #decoys: DecoyKeys
  readonly #verified = new VerifiedPasswords()
  readonly #usable: UsableAccounts
  readonly #keepsReadable: boolean
  readonly #log: Logger | undefined

  constructor({
    database,
    iterations,
    openfireVersion,
    openfire = { passwordKeyDerivation: 'auto' },
    keepsReadable = false,
    log,
    now = () => performance.now(),
  }: CredentialStoreOptions) {
    this.#usable = new UsableAccounts(now)
    this.#database = database
    this.#iterations = iterations
    this.#tables = scramTables(database.client, openfireVersion)
    this.#openfire = new OpenfirePasswords({
      database,
      config: openfire,
      tables: this.#tables,
      isOpenfire: openfireVersion !== undefined,
      keepsReadable,
      log,
    })
    this.#decoys = new DecoyKeys(database, log)
    this.#keepsReadable = keepsReadable
    this.#log = log
  }

  async scramKeys(username: string, mechanism: ScramMechanism): Promise<ScramKeys> {
    // made for every name, so that making them takes no time that tells
    const decoy = await this.#decoy(username, mechanism)
    const row = await this.#row(username)
    if (!row) return decoy
    const keys = isReadable(row) ? (await this.#stored(row)).keys.get(mechanism) : readKeys(mechanism, row)
    return keys ?? decoy
  }

  async verifyPassword(username: string, password: string): Promise<boolean> {
    const decoy = await this.#decoy(username, 'SCRAM-SHA-1')
    const stored = await this.#load(username)
    const mechanism = stored && !stored.keys.has('SCRAM-SHA-1') && stored.keys.has('SCRAM-SHA-256') ? 'SCRAM-SHA-256' : 'SCRAM-SHA-1'
    const keys = stored?.keys.get(mechanism) ?? decoy
    const prepared = tryPreparePassword(password)
    const basis = fingerprint(keys, stored?.readable)
    if (prepared !== undefined && this.#verified.has(username, prepared, basis)) return true
    const hasKeys = await isPasswordOf(keys, mechanism, prepared ?? '')
    if (!stored || prepared === undefined) return false
    const right = stored.readable === undefined ? hasKeys && keys !== decoy : isSame(prepared, tryPreparePassword(stored.readable) ?? '')
    if (!right) return false
    this.#verified.remember(username, prepared, basis)
    if (hasKeys) await this.#addMissing(username, prepared, stored.keys)
    else await this.#replaceStale(username, prepared)
    return true
  }

  /** True when `digest` is the hex SHA-1 of stream id and password (XEP-0078 §3); false where the password is not kept readable. */
  async verifyDigest(username: string, streamId: string, digest: string): Promise<boolean> {
    const readable = (await this.#load(username))?.readable
    const expected = createHash('sha1')
      .update(streamId)
      .update(readable ?? '')
      .digest('hex')
    return isSame(digest.toLowerCase(), expected) && readable !== undefined
  }

  /** True when digests of passwords can be checked: passwords are kept readable, or those of all accounts there are have been. */
  async offersDigest(): Promise<boolean> {
    if (this.#keepsReadable) return true
    const rows = await this.#database.read<{ readonly isReadable: number }>(READABLE, [])
    return rows.length === 1 && Number(rows[0]?.isReadable) === 1
  }

  async isDisabled(username: string): Promise<boolean> {
    const { changes } = this.#usable
    const [row] = await this.#database.read<LockoutRow & { readonly username: string }>(FLAG_OF, [LOCKOUT, username])
    const isDisabled = row?.username !== username || isLockedOut(row, Date.now())
    if (!isDisabled) this.#usable.seen(username, changes)
    return isDisabled
  }

  /** True when {@link isDisabled} has just found that it is not, and nothing is known to have changed. */
  wasUsable(username: string): boolean {
    return this.#usable.has(username)
  }

  /**
   * True when every account can log in by this mechanism. An Openfire database holds keys for SCRAM-SHA-1 alone until
   * each user has logged in with PLAIN or changed the password, unless the password itself can be read: till then SCRAM-SHA-256
   * should not be offered.
   */
  async hasKeysForAll(mechanism: ScramMechanism): Promise<boolean> {
    const hopeless = await this.#database.read(this.#tables.lacking(mechanism, 'unreadable'), ['', 1])
    if (hopeless.length > 0) return false
    const sql = this.#tables.lacking(mechanism, 'all')
    let after = ''
    for (;;) {
      const rows = await this.#database.read<LackingRow>(sql, [after, LACKING_PAGE])
      for (const row of rows) {
        const password = await this.#openfire.readable(row)
        if (password === undefined || tryPreparePassword(password) === undefined) return false
      }
      const last = rows.at(-1)?.username
      if (last === undefined || last === after) return true
      after = last
      await nextTurn()
    }
  }

  /** What is to be stored for a password, by {@link write}. @param password prepared */
  async derive(password: string): Promise<NewPassword> {
    return { keys: await this.#deriveKeys(password, MECHANISMS), columns: await this.#openfire.columns(password) }
  }

  /** Replaces the password of an account whose row is there, in all its forms. @returns false when there is no such account */
  async write(trx: Knex, username: string, { keys, columns }: NewPassword, changes: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    // Openfire would go on accepting a password that is left in a column
    if (
      (await trx('ofUser')
        .where({ username })
        .update({ ...changes, ...columns })) === 0
    )
      return false
    await this.#tables.replace(trx, username, keys)
    return true
  }

  remove(trx: Knex, username: string): Promise<void> {
    return this.#tables.remove(trx, username)
  }

  /** The password or the state of the account has changed. */
  forget(username: string): void {
    this.#verified.forget(username)
    this.#usable.changed(username)
  }

  /** What has just been stored for an account is right: who logs in with it next costs no PBKDF2. @param password prepared */
  remember(username: string, password: string, { keys }: NewPassword): void {
    const used = keys.get('SCRAM-SHA-1')
    if (used && !this.#keepsReadable) this.#verified.remember(username, password, used.storedKey)
  }

  #decoy(username: string, mechanism: ScramMechanism): MaybePromise<ScramKeys> {
    const rounds = this.#roundsOf(mechanism)
    return whenDone(rounds, (it) => this.#decoys.of(username, mechanism, it))
  }

  #roundsOf(mechanism: ScramMechanism): MaybePromise<number> {
    if (this.#iterations) return this.#iterations[mechanism]
    if (mechanism !== 'SCRAM-SHA-1') return DEFAULT_ITERATIONS[mechanism]
    return whenDone(this.#openfire.iterations(), (told) => told ?? DEFAULT_ITERATIONS[mechanism])
  }

  /** Keys of both mechanisms unless told which. */
  async #deriveKeys(password: string, mechanisms: readonly ScramMechanism[]): Promise<KeysByMechanism> {
    const made = mechanisms.map(async (mechanism) => {
      return [mechanism, await deriveKeys(mechanism, password, randomBytes(SALT_BYTES), await this.#roundsOf(mechanism))] as const
    })
    return new Map(await Promise.all(made))
  }

  /** One query for account and keys, so that a known name takes no query more than an unknown one. */
  async #row(username: string): Promise<PasswordRow | undefined> {
    const names = this.#tables.names === 1 ? [username] : Array<string>(this.#tables.names).fill(username)
    const rows = await this.#database.read<PasswordRow>(this.#tables.rowOf, names)
    return rows.find((it) => it.username === username) // a MySQL collation may have let another name match
  }

  async #load(username: string): Promise<StoredCredentials | undefined> {
    const row = await this.#row(username)
    return row && this.#stored(row)
  }

  async #stored(row: PasswordRow): Promise<StoredCredentials> {
    const { username } = row
    const keys = new Map<ScramMechanism, ScramKeys>()
    for (const mechanism of MECHANISMS) {
      const read = readKeys(mechanism, row)
      if (read) keys.set(mechanism, read)
    }
    const readable = isReadable(row) ? await this.#openfire.readable(row) : undefined
    if (readable === undefined || keys.size === MECHANISMS.length) return { keys, readable }
    const prepared = tryPreparePassword(readable)
    return { keys: prepared === undefined ? keys : await this.#addMissing(username, prepared, keys), readable }
  }

  /** Completes an account of an Openfire database, which has SCRAM-SHA-1 at most, once its password is known. */
  async #addMissing(username: string, password: string, present: KeysByMechanism): Promise<KeysByMechanism> {
    const missing = MECHANISMS.filter((mechanism) => !present.has(mechanism))
    if (missing.length === 0) return present
    const made = await this.#deriveKeys(password, missing)
    const all: KeysByMechanism = new Map([...present, ...made])
    try {
      // in a column that could not be read there may be something; a login under way on another stream may have added it, too
      await this.#tables.add(this.#database.knex, username, made, all)
    } catch (error) {
      this.#log?.warn({ username, error }, 'keys of SCRAM could not be stored; they are made again at the next login')
    }
    return all
  }

  /** The readable password was changed and its keys were not, as by hand in SQL. It is right whether they can be stored or not. */
  async #replaceStale(username: string, password: string): Promise<void> {
    const keys = await this.#deriveKeys(password, MECHANISMS)
    try {
      await this.#database.transaction((trx) => this.#tables.replace(trx, username, keys))
    } catch (error) {
      this.#log?.warn({ username, error }, 'keys of SCRAM that do not fit the password could not be replaced; a later login tries again')
    }
  }
}

interface LackingRow {
  readonly username: string
  readonly plainPassword: string | null
  readonly encryptedPassword: string | null
}

/** True when there may be more to the password than keys. */
function isReadable({ encryptedPassword, plainPassword }: PasswordRow): boolean {
  return Boolean(encryptedPassword || plainPassword)
}

/** Of 32 bytes where the password can be read: then a change of it has to be noticed as well. */
function fingerprint({ storedKey }: ScramKeys, readable: string | undefined): Buffer {
  return readable === undefined ? storedKey : createHash('sha256').update(storedKey).update(readable).digest()
}

/** In time that does not tell where they differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

interface LockoutRow {
  readonly name: string | null
  readonly startTime: string | null
  readonly endTime: string | null
}

/** Openfire's rule: no start means already, no end means for ever. A missing row is no lockout. */
export function isLockedOut(row: LockoutRow | undefined, now: number): boolean {
  if (!row || row.name === null) return false
  const startsAt = timeOf(row.startTime, 0)
  const endsAt = timeOf(row.endTime, Number.POSITIVE_INFINITY)
  return startsAt <= now && now < endsAt
}

/** @param otherwise also for what is no date: an account that was locked stays so until somebody looks */
function timeOf(column: string | null, otherwise: number): number {
  return (column === null ? undefined : fromDateColumnOr(column, undefined)?.getTime()) ?? otherwise
}
