/** Roster (RFC 6121 §2) and presence subscriptions (§3): who is in whose contact list, and who may see whom. */
import {
  definePlugin,
  element,
  type Jid,
  type Logger,
  type MaybePromise,
  NS,
  type RosterService,
  StanzaError,
  type Verdict,
  whenDone,
} from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import { config } from './config.js'
import { RosterPushes } from './roster-pushes.js'
import { rosterQuery } from './roster-query.js'
import { RosterStore, tables } from './roster-store.js'
import { Rosters } from './rosters.js'
import { restoreInterested } from './saved-state.js'
import { SharedGroupStore } from './shared-group-store.js'
import { SharedRosters } from './shared-rosters.js'
import { isSubscriptionType } from './subscription-states.js'
import { Subscriptions } from './subscriptions.js'

const VERSIONING = element('ver', { xmlns: NS.rosterVersioning })
const PRE_APPROVAL = element('sub', { xmlns: NS.preApproval })

export default definePlugin({
  name: 'roster',
  version: '0.1.0',
  description: 'Contact lists and presence subscriptions (RFC 6121 §2, §3)',
  provides: ['roster'],
  config,
  tables,

  setup(context) {
    const { config, log, sessions, accounts } = context
    const store = new RosterStore(context.database, log)
    const groupStore = new SharedGroupStore(context.database)
    const shared = new SharedRosters(groupStore, context.domain.domain, log)
    const sharedOf = (username: string) => shared.groups.contactsOf(username)
    const isOnline = (user: Jid) => sessions.ofUser(user).length > 0
    const rosters = new Rosters(store, isOnline, config.rememberedRosters, sharedOf)
    const pushes = new RosterPushes(sessions)
    const subscriptions = new Subscriptions({ rosters, pushes, limits: config, log, isOnline, route: (stanza) => context.route(stanza) })
    const reloadGroups = () => shared.reload({ rosters, pushes, subscriptions })
    context.metrics.gauge('cached', 'Rosters held in memory', () => rosters.size)

    return {
      hooks: {
        presenceSent({ presence, session }) {
          const { type } = presence
          return isSubscriptionType(type) ? refusing(log, session.jid, subscriptions.sent(type, presence, session.jid.bare())) : 'pass'
        },
        presenceReceived({ presence, recipient }) {
          const { type } = presence
          // RFC 6121 §8.5.3.2.2: only a request may come for a resource that is not there.
          if (isSubscriptionType(type) && type !== 'subscribe' && recipient.isFull && !sessions.get(recipient)) return 'handled'
          return isSubscriptionType(type) ? refusing(log, recipient, subscriptions.received(type, presence, recipient.bare())) : 'pass'
        },
        resourceAvailable({ session, initial }) {
          if (initial) return subscriptions.deliverRequests(session)
        },
        sessionClosed({ session }) {
          rosters.rest(session.jid)
        },
        async userCreated() {
          if (shared.groups.areForEverybody) await reloadGroups()
        },
        async userDeleted({ user }) {
          const { own } = await rosters.of(user)
          for (const entry of [...own.values()]) await subscriptions.cancel(user, entry)
          await rosters.removeAll(user)
          await groupStore.removeMember(user.local)
          if (!shared.groups.isEmpty) await reloadGroups()
        },
      },
      iqHandlers: [rosterQuery({ rosters, pushes, subscriptions, limits: config, isSharedName: (name) => shared.groups.isDisplayName(name) })],
      features: [NS.roster],
      streamFeatures: [VERSIONING, PRE_APPROVAL].map((feature) => ({ when: 'after-authentication', element: () => feature })),
      adminRoutes: adminRoutes({ rosters, accounts, domain: context.domain, reloadGroups }),
      services: { roster: rosterService(rosters, subscriptions) },
      async start() {
        await Promise.all([store.start(), shared.load()])
      },
      stop: () => rosters.whenIdle(),
      async save() {
        // The next version reads from the database.
        await rosters.whenIdle()
        return pushes.save()
      },
      restore: (state) => restoreInterested(state, sessions, pushes),
    }
  },
})

function rosterService(rosters: Rosters, subscriptions: Subscriptions): RosterService {
  return {
    items: (user) => whenDone(rosters.of(user), (roster) => roster.entries),
    item: (user, contact) => whenDone(rosters.of(user), (roster) => roster.entry(contact.bare())),
    onSubscriptionChange: (listener) => subscriptions.onChange(listener),
  }
}

/** A subscription that could not be stored must not be routed as if it had been: the sender is told to try again. */
function refusing(log: Logger, jid: Jid, verdict: Promise<Verdict>): MaybePromise<Verdict> {
  return verdict.catch((error: unknown) => {
    if (error instanceof StanzaError) throw error
    log.error({ jid: jid.toString(), error }, 'a subscription stanza could not be handled')
    throw new StanzaError('internal-server-error', { type: 'wait' })
  })
}
