/** Rate limiter: each account may send so many stanzas of a kind at once, and so many per second in the long run. */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { Buckets, type Saved } from './buckets.js'
import { config } from './config.js'
import { limitStanzas } from './limit-stanzas.js'

const SWEEP_MS = 60_000

export default definePlugin({
  name: 'rate-limiter',
  version: '0.1.0',
  description: 'Limits how fast an account may send',
  config,

  setup({ admins, config, domain, limitsEnabled, log, metrics, timers }) {
    const buckets = new Buckets(config, config.maxUsers)
    metrics.gauge('accounts', 'Accounts whose buckets are not full', () => buckets.size)
    return {
      // A load test switches all limits of the server off.
      interceptors: limitsEnabled ? [limitStanzas({ buckets, config, admins, log, metrics })] : [],
      adminRoutes: adminRoutes(buckets, domain),
      start: () => void timers.every(SWEEP_MS, () => buckets.sweep()),
      save: () => buckets.save(),
      restore: (state) => buckets.restore(state as Saved),
    }
  },
})
