/** Who may administer the server by XMPP: the accounts that the configuration lists, and those that administrators added. */
import type { Jid } from './jid.js'

export interface Admins {
  /** True when the account of this JID, at whichever resource, is an administrator's. */
  has(user: Jid): boolean
  /** Bare JIDs, those of {@link configured} first. */
  list(): readonly Jid[]
  /** Bare JIDs that stand in the configuration, and stay administrators while they do. */
  readonly configured: readonly Jid[]
  /** Makes these the administrators, beside those that are configured. Resolves when that is on disk. */
  replace(jids: readonly Jid[]): Promise<void>
}
