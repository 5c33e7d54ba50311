/** What the presence plugin offers to others. */
import type { Jid } from '../jid.js'
import type { MaybePromise } from '../maybe-promise.js'
import type { ClientSession } from '../session.js'

export interface PresenceService {
  /** Sends the present presence of every available resource of `user` to `to` (a contact who just got a subscription, or probes). */
  sendCurrent(user: Jid, to: Jid): MaybePromise<void>
  /** Sends unavailable presence from every available resource of `user` to `to` (a subscription was cancelled). */
  sendUnavailable(user: Jid, to: Jid): MaybePromise<void>
  /** True when `session` sent directed presence to `to` that still stands. */
  hasDirected(session: ClientSession, to: Jid): boolean
}
