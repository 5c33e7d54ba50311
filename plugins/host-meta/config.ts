/** What an operator can set under `plugins.settings.host-meta`. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

export const config = Type.Object({
  websocket: Type.Array(Type.String({ pattern: '^wss://[^\\s<>"]{1,2000}$' }), {
    default: [],
    uniqueItems: true,
    description: 'Addresses for XMPP over WebSocket (RFC 7395), as clients reach them: wss:// alone (XEP-0156 §3)',
  }),
  bosh: Type.Array(Type.String({ pattern: '^https://[^\\s<>"]{1,2000}$' }), {
    default: [],
    uniqueItems: true,
    description: 'Addresses for BOSH (XEP-0206), as clients reach them: https:// alone (XEP-0156 §3)',
  }),
})

export type HostMetaConfig = Static<typeof config>
