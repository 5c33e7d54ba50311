/** What an operator can set under `plugins.settings.offline-storage`; names and meanings of the policies are Openfire's. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  policy: Type.Enum(['store_and_bounce', 'store', 'store_and_drop', 'bounce', 'drop'], {
    default: 'store_and_bounce',
    openfireProperty: 'xmpp.offline.type',
    description: 'What happens to a message for an absent user; `store` alone knows no quota, the word after `and` says what happens beyond it',
  }),
  quotaBytes: Type.Integer({
    default: 102_400,
    minimum: 0,
    openfireProperty: 'xmpp.offline.quota',
    description: 'For each user, in characters of the kept stanzas',
  }),
  retentionDays: Type.Integer({
    default: 0,
    minimum: 0,
    openfireProperty: 'xmpp.offline.autoclean.daystolive',
    openfireWhen: 'xmpp.offline.autoclean.enabled',
    description: 'Kept messages older than this are deleted, hourly; 0 keeps them for ever',
  }),
})

export type OfflineConfig = Static<typeof config>
