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
  /** False for what is nothing but a stranger's request: the user does not see it in the roster (RFC 6121 A.1). */
  readonly listed: boolean
}

/** A contact may see the presence of `user` from now on, or no longer. */
export interface SubscriptionChange {
  /** Bare JID of a local account. */
  readonly user: Jid
  /** Bare JID of the contact, who may be anywhere. */
  readonly contact: Jid
  readonly maySeePresence: boolean
}

export type SubscriptionListener = (change: SubscriptionChange) => MaybePromise<void>

export interface RosterService {
  /** All items of the account of `user`, by contact. The map must not be changed; it is kept in memory while the user has sessions. */
  items(user: Jid): MaybePromise<ReadonlyMap<string, RosterItem>>
  /** The item for `contact` (its bare JID is looked up), if any. */
  item(user: Jid, contact: Jid): MaybePromise<RosterItem | undefined>
  /**
   * Told when the contact was approved, after `subscribed` was routed to it (RFC 6121 §3.1.5), and when it loses the
   * subscription, before it is told so (§3.2.2, §3.3.3): the moments to send it present or unavailable presence.
   * What a listener throws is logged.
   * @returns the undo
   */
  onSubscriptionChange(listener: SubscriptionListener): () => void
}
