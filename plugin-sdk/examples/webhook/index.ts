/** Webhook: tells a service of each message, in signed batches, and again until it takes them. No message waits for it. */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { BatchSender } from './batch-sender.js'
import { checkTarget, config } from './config.js'
import { EventStore, tables } from './event-store.js'
import { queueMessages } from './queue-messages.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export default definePlugin({
  name: 'webhook',
  version: '0.1.0',
  description: 'Tells a service of messages by signed requests, and keeps what it did not take',
  config,
  tables,

  setup({ config, database, log, metrics, timers }) {
    const store = new EventStore(database)
    const sender = new BatchSender({ store, config, log, metrics, timers })
    const isOn = config.url !== ''
    return {
      interceptors: isOn ? [queueMessages({ store, sender, config, log, metrics })] : [],
      adminRoutes: adminRoutes(store, sender),
      async start() {
        checkTarget(config)
        if (isOn) await sender.start()
        if (config.keepDeadDays > 0) timers.every(HOUR_MS, () => store.removeDeadBefore(Date.now() - config.keepDeadDays * DAY_MS))
      },
      async stop() {
        await store.whenIdle()
        await sender.stop()
      },
    }
  },
})
