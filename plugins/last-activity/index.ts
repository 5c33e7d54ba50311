/** Last activity (XEP-0012): since when a user is away, told to those who may see the user's presence. */
import { definePlugin, NS, StanzaError } from '@beaconfire/plugin-sdk'
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
          async handle({ account }) {
            if (account && sessions.ofUser(account).length > 0) return lastActivity(0)
            const last = account && (await services.presence.lastSeen(account))
            if (!last) throw new StanzaError('item-not-found')
            return lastActivity((Date.now() - last.at.getTime()) / 1000, last.status)
          },
        },
      ],
    }
  },
})
