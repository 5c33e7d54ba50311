/** In-band registration (XEP-0077): accounts made before login; password changed and account removed after it. */
import { definePlugin, element, NS } from '@beaconfire/plugin-sdk'
import { config } from './config.js'
import { newAccount } from './new-account.js'
import { ownAccount } from './own-account.js'

const FEATURE = element('register', { xmlns: NS.registerFeature })

export default definePlugin({
  name: 'register',
  version: '0.1.0',
  description: 'In-band registration (XEP-0077)',
  config,

  setup(context) {
    const { enabled } = context.config
    return {
      preAuthIqHandlers: [newAccount(context)],
      iqHandlers: [ownAccount(context)],
      features: enabled ? [NS.register] : [],
      streamFeatures: enabled ? [{ when: 'before-authentication', element: () => FEATURE }] : [],
    }
  },
})
