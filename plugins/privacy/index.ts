/** Privacy lists (XEP-0016) and the blocking command (XEP-0191), over the same lists. */
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { blockingHandlers } from './blocking-requests.js'
import { Changes } from './changes.js'
import { config } from './config.js'
import { arrivals, guards } from './guard.js'
import { Judge } from './judge.js'
import { KnownLists } from './known-lists.js'
import { PresenceEffects } from './presence-effects.js'
import { PrivacyRequests } from './privacy-requests.js'
import { PrivacyStore, tables } from './privacy-store.js'
import { Pushes } from './pushes.js'
import { SessionPrivacy } from './session-privacy.js'

interface Saved {
  readonly sessions: ReturnType<SessionPrivacy['save']>
  /** That have lists. */
  readonly accounts: readonly string[]
}

export default definePlugin({
  name: 'privacy',
  version: '0.1.0',
  description: 'Privacy lists and blocking (XEP-0016, XEP-0191)',
  requires: ['roster', 'presence'],
  config,
  tables,

  setup(context) {
    const { config: limits, database, domain, log, services, sessions } = context
    const known = new KnownLists(new PrivacyStore(database, log), limits.rememberedAccounts)
    const state = new SessionPrivacy(sessions)
    const judge = new Judge({ domain, known, state, sessions, roster: services.roster })
    const effects = new PresenceEffects({ domain, sessions, ...services, route: (stanza) => context.route(stanza) })
    const pushes = new Pushes(sessions, state, log)
    const changes = new Changes({ known, state, sessions, effects, pushes })
    context.metrics.gauge('accounts', 'Accounts that have privacy lists', () => known.size)

    return {
      features: [NS.privacy, NS.blocking],
      interceptors: guards(judge, log),
      iqHandlers: [
        new PrivacyRequests({ known, state, changes, pushes, roster: services.roster, limits }).handler(),
        ...blockingHandlers({ known, state, changes, pushes, limits }),
      ],
      hooks: { ...arrivals(judge, log), userDeleted: ({ user }) => known.remove(user.local) },
      start: () => known.start(),
      stop: () => known.whenIdle(),
      async save(): Promise<Saved> {
        await known.whenIdle()
        return { sessions: state.save(), accounts: known.accounts() }
      },
      restore(saved) {
        const { sessions, accounts } = saved as Partial<Saved>
        state.restore(sessions)
        if (Array.isArray(accounts)) known.adopt(accounts)
      },
    }
  },
})
