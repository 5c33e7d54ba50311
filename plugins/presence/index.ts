/** Presence (RFC 6121 §4): who is available, and who hears of it. */
import {
  definePlugin,
  type Jid,
  type MaybePromise,
  type Presence,
  type PresenceService,
  presence,
  type Stanza,
  whenDone,
} from '@beaconfire/plugin-sdk'
import { Broadcasts } from './broadcasts.js'
import { config } from './config.js'
import { DirectedPresence } from './directed-presence.js'
import { FanOut } from './fan-out.js'
import { PendingDeliveries } from './pending-deliveries.js'
import { PresenceStore, tables } from './presence-store.js'
import { Probes } from './probes.js'

export default definePlugin({
  name: 'presence',
  version: '0.1.0',
  description: 'Presence broadcasts, probes and directed presence (RFC 6121 §4)',
  requires: ['roster'],
  provides: ['presence'],
  config,
  tables,

  setup(context) {
    const { sessions, accounts, log, domain } = context
    const { roster } = context.services
    const route = (stanza: Stanza) => context.route(stanza)
    const store = new PresenceStore(context.database, log)
    const directed = new DirectedPresence(context.config.maxDirectedPresences)
    const fanOut = new FanOut({ domain, sessions, route })
    const probes = new Probes({ fanOut, directed, sessions, roster, store, log, route })
    const broadcasts = new Broadcasts({ fanOut, probes, directed, sessions, roster, route })

    const service: PresenceService = {
      sendCurrent: (user, to) => whenDone(probes.sendCurrent(user, to), () => {}),
      sendUnavailable(user, to) {
        const pending = new PendingDeliveries()
        for (const session of sessions.ofUser(user)) {
          if (session.isAvailable) pending.add(route(presence({ type: 'unavailable', from: session.jid, to })))
        }
        return pending.done()
      },
      announce: (session, shown) => broadcasts.announce(shown, session),
      lastSeen: (user) => probes.lastSeen(user),
      hasDirected: (session, to) => directed.has(session, to),
      directedTo: (session) => directed.all(session),
    }
    let undo = () => {}

    /** Kept for those who ask while the user is away, once the last resource has gone. */
    const keepLast = (user: Jid, farewell: Presence): MaybePromise<void> => {
      const at = new Date()
      if (sessions.ofUser(user).some((it) => it.isAvailable)) return
      // The account may just have been removed.
      return whenDone(accounts.exists(user.local), (exists) => {
        if (exists) store.save(user.local, { stanza: farewell.innerXml() === '' ? undefined : farewell.toString(), at })
      })
    }

    return {
      hooks: {
        presenceSent: ({ presence, session }) => broadcasts.sent(presence, session),
        presenceReceived({ presence, recipient }) {
          const { type, from } = presence
          if (type === 'probe') return whenDone(probes.answer(presence, recipient), () => 'handled')
          // An address that has gone, or never was, need not be told that this session goes.
          const session = recipient.isFull && (type === 'error' || type === 'unavailable') ? sessions.get(recipient) : undefined
          if (session && from) directed.remove(session, from)
          return 'pass'
        },
        resourceUnavailable: ({ session }) => whenDone(broadcasts.gone(session), (farewell) => keepLast(session.jid, farewell)),
        sessionClosed: ({ session }) => broadcasts.ended(session),
        userDeleted: ({ user }) => store.remove(user.local),
      },
      services: { presence: service },
      start() {
        undo = roster.onSubscriptionChange(({ user, contact, maySeePresence }) =>
          maySeePresence ? service.sendCurrent(user, contact) : service.sendUnavailable(user, contact),
        )
      },
      async stop() {
        undo()
        await store.whenIdle()
      },
      save: () => directed.save(sessions),
      restore: (state) => directed.restore(state, sessions),
    }
  },
})
