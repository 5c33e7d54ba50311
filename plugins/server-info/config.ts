/** What an operator can set under `plugins.settings.server-info`: where people reach those who run the server, by concern. */
import { type Static, Type } from '@beaconfire/plugin-sdk'

const addresses = (concern: string) =>
  Type.Array(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s]+$', maxLength: 1023 }), {
    default: [],
    maxItems: 20,
    description: `URIs for ${concern}, such as mailto:xmpp@example.org or xmpp:admin@example.org`,
  })

export const config = Type.Object({
  abuse: addresses('reports of abuse'),
  admin: addresses('the administrators'),
  feedback: addresses('feedback'),
  sales: addresses('sales'),
  security: addresses('concerns of security'),
  status: addresses('the state of the service'),
  support: addresses('support'),
})

export type ServerInfoConfig = Static<typeof config>
