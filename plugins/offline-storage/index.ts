/** Offline storage (XEP-0160): keeps messages that reached nobody, and hands them over when the user is back. */
import { definePlugin, Jid } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { config } from './config.js'
import { flexibleRetrieval } from './flexible-retrieval.js'
import { forgedDelay } from './forged-delay.js'
import { HandOver } from './hand-over.js'
import { UndeliveredKeeper } from './keep-undelivered.js'
import { MailboxSizes } from './mailbox-sizes.js'
import { OfflineStore, tables } from './offline-store.js'
import type { SavedBatch } from './on-their-way.js'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

export default definePlugin({
  name: 'offline-storage',
  version: '0.1.0',
  description: 'Keeps messages for absent users (XEP-0160) and hands them over (XEP-0013, XEP-0203)',
  config,
  tables,

  setup({ config, database, domain, log, metrics, sessions, timers }) {
    const store = new OfflineStore(database)
    const sizes = new MailboxSizes((username) => store.size(username))
    const handOver = new HandOver({ store, sizes, sessions, domain, log, timers })
    const keeper = new UndeliveredKeeper({ store, sizes, config, sessions, log, handOver: (session) => void handOver.to(session) })
    metrics.gauge('pending_rows', 'Messages on their way to the disk', () => store.pending)

    async function removeOld(): Promise<void> {
      const { users, messages } = await store.removeBefore(Date.now() - config.retentionDays * DAY_MS)
      for (const username of users) sizes.forget(username)
      if (messages > 0) log.info({ messages, retentionDays: config.retentionDays }, 'old kept messages deleted')
    }

    return {
      hooks: {
        messageUndelivered: (fact) => keeper.decide(fact),
        keptMessagesDue: ({ session }) => handOver.to(session),
        async userDeleted({ user }) {
          await store.removeAll(user.local)
          sizes.forget(user.local)
        },
      },
      interceptors: [forgedDelay(domain)],
      iqHandlers: [flexibleRetrieval({ store, sizes, handOver, domain })],
      features: config.policy.startsWith('store') ? ['msgoffline'] : [],
      adminRoutes: adminRoutes(store, domain),
      async start() {
        await store.start()
        if (config.retentionDays > 0) timers.every(HOUR_MS, removeOld)
      },
      async stop() {
        await handOver.onTheirWay.stop()
        await store.whenIdle()
      },
      save: () => handOver.onTheirWay.save(),
      restore(state) {
        for (const batch of state as readonly SavedBatch[]) {
          const session = sessions.get(Jid.parse(batch.session[0]))
          handOver.onTheirWay.adopt(batch, session?.id === batch.session[1] ? session : undefined)
        }
      },
    }
  },
})
