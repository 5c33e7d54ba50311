/** Uptime: how long the server has been running, told to clients (XEP-0012 §5) and to operators. */
import { definePlugin, element, NS } from '@beaconfire/plugin-sdk'

export default definePlugin({
  name: 'uptime',
  version: '0.1.0',
  description: 'Uptime of the server (XEP-0012 §5)',

  setup({ metrics }) {
    metrics.gauge('seconds', 'Seconds since the server was started', () => Math.floor(process.uptime()))
    return {
      features: [NS.lastActivity],
      iqHandlers: [
        {
          namespace: NS.lastActivity,
          element: 'query',
          type: 'get',
          targets: ['server'],
          handle: () => element('query', { xmlns: NS.lastActivity, seconds: Math.floor(process.uptime()) }),
        },
      ],
    }
  },
})
