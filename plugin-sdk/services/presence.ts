/** What the presence plugin offers to others. */
import type { Jid } from '../jid.js'
import type { MaybePromise } from '../maybe-promise.js'
import type { ClientSession } from '../session.js'
import type { Presence } from '../stanza.js'

export interface LastSeen {
  readonly at: Date
  /** What the unavailable presence said, if anything. */
  readonly status: string | undefined
}

export interface PresenceService {
  /** Sends the present presence of every available resource of `user` to `to` (a contact who just got a subscription, or probes). */
  sendCurrent(user: Jid, to: Jid): MaybePromise<void>
  /** Sends unavailable presence from every available resource of `user` to `to` (a subscription was cancelled). */
  sendUnavailable(user: Jid, to: Jid): MaybePromise<void>
  /**
   * Broadcasts `presence` as if the client of `session` had sent it: it is what the session shows from now on. Nothing happens when
   * the session is not available. @param presence of type available, `from` the session's full JID, without `to`
   */
  announce(session: ClientSession, presence: Presence): MaybePromise<void>
  /** When the last available resource of a local account went; undefined when that is not known. Tells nothing of those who are here. */
  lastSeen(user: Jid): Promise<LastSeen | undefined>
  /** True when `session` sent directed presence to `to` that still stands. */
  hasDirected(session: ClientSession, to: Jid): boolean
  /** Everybody `session` sent directed presence to that still stands. */
  directedTo(session: ClientSession): readonly Jid[]
}
