/** What an operator writes under `plugins.settings.content-filter`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  text: Type.String({
    default: 'This message was not sent, because of words that are not wanted here.',
    description: 'What the sender of a rejected message is told',
  }),
  refreshSeconds: Type.Integer({ default: 30, minimum: 0, maximum: 3600, description: 'How often rules are read again; 0: at start only' }),
})

export type FilterConfig = Static<typeof config>
