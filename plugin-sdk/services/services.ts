/**
 * Typed services by name: how plugins meet. A plugin that `provides` one returns it in its contributions; one that
 * `requires` it finds it in `context.services`. Plugins outside this repository add theirs by declaration merging:
 * `declare module '@beaconfire/plugin-sdk' { interface Services { greetings: GreetingService } }`.
 */
import type { CapabilitiesService } from './capabilities.js'
import type { DeliveryJournalService } from './delivery-journal.js'
import type { PepService } from './pep.js'
import type { PresenceService } from './presence.js'
import type { PrivateDataService } from './private-data.js'
import type { RosterService } from './roster.js'
import type { StanzaIdService } from './stanza-ids.js'
import type { VcardService } from './vcards.js'

export interface Services {
  capabilities: CapabilitiesService
  deliveryJournal: DeliveryJournalService
  pep: PepService
  privateData: PrivateDataService
  vcards: VcardService
  roster: RosterService
  presence: PresenceService
  'stanza-ids': StanzaIdService
}

export type ServiceName = keyof Services
