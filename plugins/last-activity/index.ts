/** Last activity (XEP-0012): since when a user is away, told to those who may see the user's presence. */
import { type ClientSession, definePlugin, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { lastActivity } from './last-activity.js'
import { presenceLeaks } from './presence-leaks.js'

export default definePlugin({
  name: 'last-activity',
  version: '0.1.0',
  description: 'Last activity of accounts (XEP-0012)',
  requires: ['roster', 'presence'],

  setup({ domain, services, sessions }) {
    return {
      features: [NS.lastActivity],
      interceptors: [presenceLeaks(domain, services.roster)],
      iqHandlers: [
        {
          namespace: NS.lastActivity,
          element: 'query',
          type: 'get',
          targets: ['own-account', 'other-account'],
          async handle({ account, target }) {
            // §3 counts whoever is connected. One who asks of themselves always is, so there it is who is available that tells something.
            const isHere = target === 'own-account' ? (it: ClientSession) => it.isAvailable : () => true
            if (account && sessions.ofUser(account).some(isHere)) return lastActivity(0)
            const last = account && (await services.presence.lastSeen(account))
            if (!last) throw new StanzaError('item-not-found')
            return lastActivity((Date.now() - last.at.getTime()) / 1000, last.status)
          },
        },
      ],
    }
  },
})
