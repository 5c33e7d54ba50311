/** Accounts of the local domain (`ofUser`). Usernames are localparts, prepared by `Jid`. */
import type { MaybePromise } from './maybe-promise.js'
import type { ClientSession } from './session.js'

export interface Account {
  readonly username: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly createdAt: Date
  readonly modifiedAt: Date
  /** A disabled account cannot log in; its data stays (`ofUserFlag`, row `lockout`). */
  readonly disabled: boolean
}

export interface NewAccount {
  readonly username: string
  readonly password: string
  readonly name?: string | undefined
  readonly email?: string | undefined
}

export interface AccountFilter {
  /** Part of the username, name or e-mail. */
  readonly search?: string | undefined
  /** Which of them; all three unless given. */
  readonly searchIn?: readonly ('username' | 'name' | 'email')[] | undefined
  /** Only those that may not log in, or only those that may. */
  readonly disabled?: boolean | undefined
}

export interface AccountQuery extends AccountFilter {
  /** Username to start after, for paging. */
  readonly after?: string | undefined
  /** 1..1000 */
  readonly limit: number
}

export interface Accounts {
  /** Answers at once when the name is remembered: it is asked for every stanza to an absent user. */
  exists(username: string): MaybePromise<boolean>
  find(username: string): Promise<Account | undefined>
  /** In order of username. */
  list(query: AccountQuery): Promise<Account[]>
  count(filter?: AccountFilter): Promise<number>
  /** Fires `userCreated`. @throws AccountConflict when the name is taken, JidError, PasswordRefused */
  create(account: NewAccount): Promise<Account>
  /** @throws AccountMissing, PasswordRefused */
  setPassword(username: string, password: string): Promise<void>
  update(username: string, changes: { name?: string | undefined; email?: string | undefined }): Promise<Account>
  /** Sessions of an account that is disabled are closed with `not-authorized`. @throws AccountMissing */
  setDisabled(username: string, disabled: boolean): Promise<void>
  /**
   * Fires `userDeleted`, removes the rows, then closes the sessions with `not-authorized`. The session `except` is left
   * open for its caller, who has to answer on it and close it.
   * @throws AccountMissing
   */
  remove(username: string, details?: { readonly except?: ClientSession }): Promise<void>
  /** True when the password is right and the account may log in. Takes the same time for unknown users. */
  verifyPassword(username: string, password: string): Promise<boolean>
  /**
   * True when digests of passwords can be checked here: the server keeps passwords readable, or an imported database does for every account.
   * It is one answer for all names, so that it tells nothing of any.
   */
  offersDigest(): MaybePromise<boolean>
  /**
   * True when `digest` is the hex SHA-1 of stream id and password (XEP-0078 §3), and the account may log in; false for an account
   * whose password is not kept readable.
   */
  verifyDigest(username: string, streamId: string, digest: string): Promise<boolean>
}

export class AccountConflict extends Error {
  override readonly name = 'AccountConflict'
}
export class AccountMissing extends Error {
  override readonly name = 'AccountMissing'
}
/** The password is empty, too long (1023 bytes), or holds characters that RFC 8265 forbids. */
export class PasswordRefused extends Error {
  override readonly name = 'PasswordRefused'
}
