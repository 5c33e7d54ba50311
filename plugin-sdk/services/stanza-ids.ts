/** What the stanza-ids plugin offers to an archive. */
import type { RoutedNotes } from '../packet-interceptor.js'
import type { StanzaIdGiver } from '../stanza-id.js'

export interface StanzaIdService {
  /**
   * This routed message gets its ids from `giver`. Call it in the incoming chain in band `guard` or `transform`: in band `observe` the
   * sender's id is taken.
   */
  offer(routed: RoutedNotes, giver: StanzaIdGiver): void
}
