/** Accounts of the local domain over Openfire's tables (openfire.md §3.1). Passwords are {@link CredentialStore}'s. */
import {
  type Account,
  AccountConflict,
  type AccountFilter,
  AccountMissing,
  type AccountQuery,
  type Accounts,
  type ClientSession,
  type Database,
  fromDateColumnOr,
  Jid,
  JidError,
  type Logger,
  type MaybePromise,
  type NewAccount,
  toDateColumn,
} from '@beaconfire/plugin-sdk'
import { narrow } from './account-filter.js'
import { CredentialStore, type Iterations, isLockedOut, LOCKOUT } from './credential-store.js'
import type { Credentials } from './credentials.js'
import { KnownUsernames } from './known-usernames.js'
import type { OpenfirePasswordConfig } from './openfire-passwords.js'
import { preparePassword } from './password-keys.js'
import { prepareUsername } from './sasl-identity.js'

export { accountTables } from './account-tables.js'

/** Characters of the columns. */
const LONGEST_USERNAME = 64
const LONGEST_TEXT = 100
const LARGEST_PAGE = 1000
const DIGEST_CHECK_MS = 60_000
const COLUMNS = ['u.username', 'u.name', 'u.email', 'u.creationDate', 'u.modificationDate', 'f.name as flag', 'f.startTime', 'f.endTime']
const ACCOUNT_OF = `select ${COLUMNS.join(', ')} from ofUser u left join ofUserFlag f on f.username = u.username and f.name = ? where u.username = ?`

export interface AccountStoreOptions {
  readonly database: Database
  readonly domain: Jid
  /** PBKDF2 rounds of passwords set from now on. */
  readonly iterations?: Iterations
  /** After the rows are there. */
  onCreated(user: Jid): MaybePromise<void>
  /** Before the rows go, so that plugins can still read them. */
  onDeleting(user: Jid): MaybePromise<void>
  /** The account was disabled or removed. `except` is left open for its caller, who has to answer on it. */
  closeSessions(user: Jid, except?: ClientSession): MaybePromise<void>
  /** Of an Openfire installation's schema, where the database is one's. */
  readonly openfireVersion?: number | undefined
  /** How the encrypted passwords of an Openfire installation are read. */
  readonly openfire?: OpenfirePasswordConfig | undefined
  /** New passwords are kept readable beside their keys. */
  readonly keepsReadable?: boolean | undefined
  readonly log?: Logger | undefined
  /** Milliseconds that never go back. */
  readonly now?: () => number
}

interface AccountRow {
  readonly username: string
  readonly name: string | null
  readonly email: string | null
  readonly creationDate: string
  readonly modificationDate: string
  readonly flag: string | null
  readonly startTime: string | null
  readonly endTime: string | null
}

/** Names given may be unprepared, but for {@link exists}, which is asked for every stanza to an absent user. */
export class AccountStore implements Accounts {
  /** For SASL: tells a right password from an account that may not log in. */
  readonly credentials: Credentials & Pick<CredentialStore, 'hasKeysForAll' | 'wasUsable'>
  readonly #credentials: CredentialStore
  readonly #options: AccountStoreOptions
  readonly #database: Database
  readonly #known: KnownUsernames
  readonly #lookingUp = new Map<string, Promise<boolean>>()
  readonly #now: () => number
  #isDigestOffered: MaybePromise<boolean> = false
  #digestAskedAt = Number.NEGATIVE_INFINITY

  constructor(options: AccountStoreOptions) {
    this.#options = options
    this.#database = options.database
    this.#credentials = new CredentialStore(options)
    this.credentials = this.#credentials
    this.#now = options.now ?? (() => performance.now())
    this.#known = new KnownUsernames(this.#now)
  }

  exists(username: string): MaybePromise<boolean> {
    return this.#known.get(username) ?? this.#lookingUp.get(username) ?? this.#startLookingUp(username)
  }

  /** All who ask meanwhile get the same promise, so that messages to one user go on in the order in which they came. */
  #startLookingUp(username: string): Promise<boolean> {
    const lookUp = this.#lookUp(username).finally(() => this.#lookingUp.delete(username))
    this.#lookingUp.set(username, lookUp)
    return lookUp
  }

  async #lookUp(username: string): Promise<boolean> {
    const before = this.#known.changes
    const exists = await this.#isStored(username)
    this.#known.found(username, exists, before)
    return exists
  }

  async find(username: string): Promise<Account | undefined> {
    const name = this.#prepare(username)
    if (name === undefined) return undefined
    const [row] = await this.#database.read<AccountRow>(ACCOUNT_OF, [LOCKOUT, name])
    return row?.username === name ? toAccount(row) : undefined
  }

  /** @throws RangeError when `limit` is not 1..1000 */
  async list({ after, limit, ...filter }: AccountQuery): Promise<Account[]> {
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE)) throw new RangeError(`limit ${limit} is not 1..${LARGEST_PAGE}`)
    const query = this.#accounts().orderBy('u.username').limit(limit)
    if (after !== undefined) void query.where('u.username', '>', after)
    narrow(query, filter)
    const rows = await query.select<AccountRow[]>(COLUMNS)
    return rows.map(toAccount)
  }

  async count(filter: AccountFilter = {}): Promise<number> {
    const query = this.#accounts().count({ accounts: '*' })
    narrow(query, filter)
    const row = await query.first<{ accounts: number | string } | undefined>()
    return Number(row?.accounts ?? 0)
  }

  /** @throws RangeError too, when name or e-mail is longer than 100 characters */
  async create({ username, password, name, email }: NewAccount): Promise<Account> {
    const user = prepareNew(username, this.#options.domain.domain)
    const prepared = preparePassword(password)
    const texts = { name: column('name', name), email: column('email', email) }
    // the index decides below; this only saves deriving keys for a name that is taken
    if (await this.#isStored(user)) throw new AccountConflict('the username is taken')
    const made = await this.#credentials.derive(prepared)
    const now = toDateColumn(Date.now())
    try {
      await this.#database.transaction(async (trx) => {
        await trx('ofUser').insert({ username: user, ...texts, creationDate: now, modificationDate: now })
        await trx('ofUserFlag').where({ username: user }).del() // left behind by an account of that name, maybe
        await this.#credentials.write(trx, user, made)
      })
    } catch (error) {
      if (this.#database.isDuplicate(error)) throw new AccountConflict('the username is taken', { cause: error })
      throw error
    }
    this.#changed(user, true)
    this.#credentials.remember(user, prepared, made)
    await this.#options.onCreated(this.#jid(user))
    return this.#get(user)
  }

  async setPassword(username: string, password: string): Promise<void> {
    const user = (await this.#get(username)).username
    const prepared = preparePassword(password)
    const made = await this.#credentials.derive(prepared)
    await this.#database.transaction(async (trx) => {
      const isThere = await this.#credentials.write(trx, user, made, { modificationDate: toDateColumn(Date.now()) })
      if (!isThere) throw new AccountMissing('no such account')
    })
    this.#credentials.forget(user)
    this.#credentials.remember(user, prepared, made)
  }

  /** What is undefined stays; '' takes the value away. @throws AccountMissing, RangeError when longer than 100 characters */
  async update(username: string, { name, email }: { name?: string | undefined; email?: string | undefined }): Promise<Account> {
    const user = (await this.#get(username)).username
    const changes = {
      ...(name !== undefined && { name: column('name', name) }),
      ...(email !== undefined && { email: column('email', email) }),
      modificationDate: toDateColumn(Date.now()),
    }
    await this.#database.knex('ofUser').where({ username: user }).update(changes)
    return this.#get(user)
  }

  async setDisabled(username: string, disabled: boolean): Promise<void> {
    const user = (await this.#get(username)).username
    await this.#database.transaction(async (trx) => {
      await trx('ofUserFlag').where({ username: user, name: LOCKOUT }).del()
      if (disabled) await trx('ofUserFlag').insert({ username: user, name: LOCKOUT, startTime: null, endTime: null })
    })
    this.#credentials.forget(user)
    if (disabled) await this.#options.closeSessions(this.#jid(user))
  }

  async remove(username: string, { except }: { readonly except?: ClientSession } = {}): Promise<void> {
    const user = (await this.#get(username)).username
    await this.#options.onDeleting(this.#jid(user))
    await this.#database.transaction(async (trx) => {
      await this.#credentials.remove(trx, user)
      for (const table of ['ofUserProp', 'ofUserFlag', 'ofUser']) await trx(table).where({ username: user }).del()
    })
    this.#changed(user, false)
    await this.#options.closeSessions(this.#jid(user), except)
  }

  async verifyPassword(username: string, password: string): Promise<boolean> {
    const name = this.#prepare(username)
    const right = await this.#credentials.verifyPassword(name ?? username, password)
    return right && name !== undefined && !(await this.#credentials.isDisabled(name))
  }

  /** Looked up at most once a minute: it goes through all accounts. */
  offersDigest(): MaybePromise<boolean> {
    const now = this.#now()
    if (now - this.#digestAskedAt > DIGEST_CHECK_MS) {
      this.#digestAskedAt = now
      this.#isDigestOffered = this.#credentials.offersDigest().catch((error: unknown) => {
        this.#digestAskedAt = Number.NEGATIVE_INFINITY // the next to ask tries again
        throw error
      })
    }
    return this.#isDigestOffered
  }

  async verifyDigest(username: string, streamId: string, digest: string): Promise<boolean> {
    const name = this.#prepare(username)
    const right = await this.#credentials.verifyDigest(name ?? username, streamId, digest)
    return right && name !== undefined && !(await this.#credentials.isDisabled(name))
  }

  #changed(username: string, exists: boolean): void {
    this.#known.changed(username, exists)
    this.#credentials.forget(username)
  }

  async #get(username: string): Promise<Account> {
    const account = await this.find(username)
    if (!account) throw new AccountMissing('no such account')
    return account
  }

  async #isStored(username: string): Promise<boolean> {
    const [row] = await this.#database.read<{ username: string }>('select username from ofUser where username = ?', [username])
    return row?.username === username // a MySQL collation may take another name for this one
  }

  #accounts() {
    return this.#database.knex('ofUser as u').leftJoin('ofUserFlag as f', (on) => void on.on('f.username', 'u.username').andOnVal('f.name', LOCKOUT))
  }

  #prepare(username: string): string | undefined {
    return prepareUsername(username, this.#options.domain.domain)
  }

  #jid(username: string): Jid {
    return Jid.of(username, this.#options.domain.domain)
  }
}

/** @throws JidError */
function prepareNew(username: string, domain: string): string {
  const { local } = Jid.of(username, domain)
  if (local === '') throw new JidError('localpart: is empty')
  if (local.length > LONGEST_USERNAME) throw new JidError(`localpart: longer than ${LONGEST_USERNAME} characters`)
  return local
}

/** '' and undefined are both stored as NULL. */
function column(what: string, text: string | undefined): string | null {
  if (!text) return null
  if (text.length > LONGEST_TEXT) throw new RangeError(`${what} is longer than ${LONGEST_TEXT} characters`)
  return text
}

/** What is no date counts as long ago. */
function toAccount(row: AccountRow): Account {
  return {
    username: row.username,
    name: row.name ?? undefined,
    email: row.email ?? undefined,
    createdAt: fromDateColumnOr(row.creationDate, new Date(0)),
    modifiedAt: fromDateColumnOr(row.modificationDate, new Date(0)),
    disabled: isLockedOut({ name: row.flag, startTime: row.startTime, endTime: row.endTime }, Date.now()),
  }
}
