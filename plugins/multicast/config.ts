/** What an operator can set under `plugins.settings.multicast`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  mostAddresses: Type.Integer({ default: 50, minimum: 1, maximum: 1000, description: 'In one stanza; with more it is refused (XEP-0033 §9)' }),
  mostPresenceRecipients: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 10_000,
    description: 'Whom presence of one session may have reached this way: all of them are told when it goes',
  }),
})

export type MulticastConfig = Static<typeof config>
