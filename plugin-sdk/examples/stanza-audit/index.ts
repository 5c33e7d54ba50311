/** Audit of all stanzas: each is a row in a table before it is acknowledged, kept for a time, and found again by the admin API. */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { config } from './config.js'
import { recordStanzas } from './record-stanzas.js'
import { StanzaStore, tables } from './stanza-store.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export default definePlugin({
  name: 'stanza-audit',
  version: '0.1.0',
  description: 'Logs every stanza, and answers for them in the admin API',
  config,
  tables,

  setup({ config, database, domain, log, metrics, timers }) {
    const store = new StanzaStore(database)
    return {
      interceptors: recordStanzas({ store, config, log, metrics }),
      adminRoutes: adminRoutes(store, domain),
      start() {
        const { maxRows, retentionDays } = config
        timers.every(HOUR_MS, async () => {
          const old = retentionDays > 0 ? await store.deleteBefore(Date.now() - retentionDays * DAY_MS) : 0
          const tooMany = maxRows > 0 ? await store.deleteBeyond(maxRows) : 0
          if (old + tooMany > 0) log.info({ old, tooMany }, 'stanzas deleted from the log')
        })
      },
      stop: () => store.whenIdle(),
    }
  },
})
