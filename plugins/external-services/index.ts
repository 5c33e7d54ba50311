/** External services (XEP-0215): where clients find relays for calls and the like, with credentials for them. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { serviceRequests } from './service-requests.js'

export default definePlugin({
  name: 'external-services',
  version: '0.1.0',
  description: 'External services and credentials for them (XEP-0215)',
  config,

  setup({ config }) {
    for (const { host, secret, username, password } of config.services) {
      if ((username === undefined) !== (password === undefined)) throw new Error(`service at ${host}: username and password go together`)
      if (secret !== undefined && username !== undefined) throw new Error(`service at ${host}: either a secret, or a username and password`)
    }
    // Without any service there is nothing to offer.
    return config.services.length > 0 ? { features: [NS.externalServices], iqHandlers: serviceRequests(config.services) } : {}
  },
})
