/** Content filter: messages with certain words are rejected, or the words masked. Rules are changed by the admin API while it runs. */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { config } from './config.js'
import { filterMessages } from './filter-messages.js'
import { RuleStore, tables } from './rule-store.js'
import { Rules } from './rules.js'

export default definePlugin({
  name: 'content-filter',
  version: '0.1.0',
  description: 'Rejects messages with certain words, or masks the words',
  config,
  tables,

  setup({ config, database, log, metrics, timers }) {
    const rules = new Rules(new RuleStore(database))
    return {
      interceptors: filterMessages({ rules, config, log, metrics }),
      adminRoutes: adminRoutes(rules),
      consolePages: [{ name: 'rules', title: 'Content filter', folder: new URL('./console', import.meta.url) }],
      async start() {
        await rules.load()
        // Other nodes on the same database may have changed them.
        if (config.refreshSeconds > 0) timers.every(config.refreshSeconds * 1000, () => rules.load())
      },
    }
  },
})
