/** What the roster plugin offers to others: presence asks it for every broadcast, so it answers from memory when it can. */
import type { Jid } from '../jid.js'
import type { MaybePromise } from '../maybe-promise.js'

export type Subscription = 'none' | 'to' | 'from' | 'both'

export interface RosterItem {
  /** Bare JID of the contact, or its full JID where the user added one. */
  readonly jid: Jid
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly subscription: Subscription
  /** The user asked and was not answered yet (`ask='subscribe'`). */
  readonly pendingOut: boolean
  /** The contact asked and was not answered yet. Items that are nothing but this are not shown to the user. */
  readonly pendingIn: boolean
  readonly approved: boolean
}

export interface RosterService {
  /** All items of the account of `user`, by contact. The map must not be changed; it is kept in memory while the user has sessions. */
  items(user: Jid): MaybePromise<ReadonlyMap<string, RosterItem>>
  /** The item for `contact` (its bare JID is looked up), if any. */
  item(user: Jid, contact: Jid): MaybePromise<RosterItem | undefined>
}
