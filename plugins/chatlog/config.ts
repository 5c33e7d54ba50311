/** What an operator can set under `plugins.settings.chatlog`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  groupchat: Type.Boolean({ default: false, description: 'Messages to rooms are logged too, once each, as their senders sent them' }),
  obeyHints: Type.Boolean({
    default: false,
    description: 'Messages whose senders want no record of them (XEP-0334) are left out; a log for auditors must not leave that to senders',
  }),
  retentionDays: Type.Integer({ default: 0, minimum: 0, description: 'Older messages are deleted from the log, hourly; 0 keeps them for ever' }),
  onError: Type.Enum(['open', 'closed'], {
    default: 'open',
    description: 'When a message cannot be logged: `open` says so in the server log alone, `closed` answers its sender with an error',
  }),
})

export type ChatLogConfig = Static<typeof config>
