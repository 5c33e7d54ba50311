/** Chat log: each message of two people, as an auditor must find it, once it was handed to its recipient (seed 004). */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { adminRoutes, daysAgo } from './admin-routes.js'
import { ChatLogStore } from './chat-log-store.js'
import { tables } from './chat-log-tables.js'
import { config } from './config.js'
import { OpenfireArchive } from './openfire-archive.js'
import { recordMessages } from './record-messages.js'

const HOUR_MS = 3_600_000

export default definePlugin({
  name: 'chatlog',
  version: '0.1.0',
  description: 'Logs messages when they are handed over, and answers for them in the admin API',
  config,
  tables,

  setup({ config, database, domain, log, metrics, timers }) {
    const store = new ChatLogStore(database)

    return {
      interceptors: recordMessages({ store, config, domain, log, metrics }),
      adminRoutes: adminRoutes({ store, archive: new OpenfireArchive(database), domain }),
      start() {
        const { retentionDays } = config
        if (retentionDays === 0) return
        timers.every(HOUR_MS, async () => {
          const deleted = await store.deleteBefore(daysAgo(retentionDays))
          if (deleted > 0) log.info({ deleted, retentionDays }, 'old messages deleted from the chat log')
        })
      },
      stop: () => store.whenIdle(),
    }
  },
})
