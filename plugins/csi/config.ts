/** What an operator can set under `plugins.settings.csi`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  presence: Type.Boolean({ default: true, description: 'Presence waits: the last one of each sender' }),
  chatStates: Type.Boolean({ default: true, description: 'Chat states wait: the last one of each conversation' }),
  pubsub: Type.Boolean({ default: true, description: 'Notifications of published items wait: the last one of each item' }),
  mostHeld: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 100_000,
    description: 'Stanzas that wait for one client; with one more, all are sent',
  }),
})

export type CsiConfig = Static<typeof config>
