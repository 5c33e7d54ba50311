/** Multicast (XEP-0033): one stanza to the server's domain reaches all whom it is addressed to. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { Multicast } from './multicast.js'

export default definePlugin({
  name: 'multicast',
  version: '0.1.0',
  description: 'Extended stanza addressing (XEP-0033)',
  config,

  setup({ config, send, sessions }) {
    const multicast = new Multicast({ config, send })
    return {
      features: [NS.addresses],
      hooks: {
        serverAddressed: (fact) => multicast.take(fact),
        resourceUnavailable: ({ session }) => multicast.gone(session),
        sessionClosed: ({ session }) => multicast.gone(session),
      },
      save: () => multicast.recipients.save(),
      restore: (state) => multicast.recipients.restore(state, sessions),
    }
  },
})
