/** Login by `jabber:iq:auth` (XEP-0078), for clients and devices older than SASL. Off unless configured. */
import { definePlugin, element, NS } from '@beaconfire/plugin-sdk'
import { boundAlready } from './bound-already.js'
import { config } from './config.js'
import { loginRequests } from './login-requests.js'

const FEATURE = element('auth', { xmlns: NS.iqAuthFeature })

export default definePlugin({
  name: 'iq-auth',
  version: '0.1.0',
  description: 'Login without SASL (XEP-0078)',
  config,

  setup(context) {
    const { enabled, withoutTls } = context.config
    if (!enabled) return { preAuthIqHandlers: [loginRequests(context)] } // which says that it is not there
    return {
      preAuthIqHandlers: [loginRequests(context)],
      iqHandlers: boundAlready(),
      streamFeatures: [
        {
          when: 'before-authentication',
          element: ({ secure }) => (secure || withoutTls ? FEATURE : undefined),
        },
      ],
    }
  },
})
