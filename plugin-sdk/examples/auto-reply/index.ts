/** Auto-reply: who writes to somebody that is away gets the text that the account has set, once in a while. */
import { definePlugin } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { answerMessages } from './answer-messages.js'
import { config } from './config.js'
import { Replies } from './replies.js'
import { replyCommand } from './reply-command.js'
import { ReplyStore, tables } from './reply-store.js'

const HOUR_MS = 3_600_000

export default definePlugin({
  name: 'auto-reply',
  version: '0.1.0',
  description: 'Answers for people who are away',
  requires: ['roster'],
  config,
  tables,

  setup({ accounts, config, database, domain, log, metrics, send, services, sessions, timers }) {
    const store = new ReplyStore(database)
    const replies = new Replies(store)
    const { stanzaArrived, whenIdle } = answerMessages({ replies, store, roster: services.roster, sessions, domain, config, log, metrics, send })
    return {
      hooks: {
        stanzaArrived,
        async userDeleted({ user }) {
          await replies.remove(user.local)
        },
      },
      commands: [replyCommand(replies, config.longestText)],
      adminRoutes: adminRoutes({ replies, accounts, config, domain }),
      async start() {
        await replies.load()
        timers.every(HOUR_MS, () => store.forgetAnswered(Date.now() - config.periodHours * HOUR_MS))
        if (config.refreshSeconds > 0) timers.every(config.refreshSeconds * 1000, () => replies.load())
      },
      async stop() {
        await whenIdle()
      },
    }
  },
})
