/** XMPP ping (XEP-0199): a client learns that its stream works, and that what it sent before has been handled. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'

export default definePlugin({
  name: 'ping',
  version: '0.1.0',
  description: 'XMPP ping (XEP-0199)',

  setup() {
    return {
      features: [NS.ping],
      iqHandlers: [{ namespace: NS.ping, element: 'ping', type: 'get', handle() {} }],
    }
  },
})
