/** Entity capabilities of the clients here (XEP-0115, XEP-0390): learned once for each hash, and proven before they are believed of others. */
import {
  type CapabilitiesChange,
  type CapabilitiesListener,
  type CapabilitiesService,
  type ClientSession,
  definePlugin,
  isClientSession,
  type MaybePromise,
  NS,
  type Presence,
  type Session,
} from '@beaconfire/plugin-sdk'
import { advertisedCaps, cacheKey } from './advertised-caps.js'
import { KnownCapabilities } from './known-capabilities.js'
import { learnedFeatures } from './learned-features.js'
import { Questions } from './questions.js'

/** What all who are told may take: they may have to read what many contacts have published. */
const TELLING_BUDGET_MS = 20_000

export default definePlugin({
  name: 'caps',
  version: '0.1.0',
  description: 'What clients can do (XEP-0115, XEP-0390)',
  provides: ['capabilities'],

  setup({ log, metrics, sessions, timers }) {
    const known = new KnownCapabilities()
    const listeners = new Set<CapabilitiesListener>()
    metrics.gauge('hashes', 'Capability hashes whose features are known', () => known.size)

    async function tell(change: CapabilitiesChange | undefined): Promise<void> {
      if (!change) return
      for (const listener of [...listeners]) {
        try {
          await listener(change)
        } catch (error) {
          log.error({ jid: change.session.jid.toString(), error }, 'a plugin failed to take in the features of a client')
        }
      }
    }

    const questions = new Questions({
      timers,
      async answered(session, caps, answer) {
        const key = cacheKey(caps)
        const learned = answer?.type === 'result' ? learnedFeatures(answer.payload, caps) : undefined
        if (learned?.isProven) known.prove(key, learned.features)
        const features = known.proven(key) ?? learned?.features
        if (features && known.isShowing(session, key) && session.isAvailable) await tell(known.show(session, caps, features))
        return known.proven(key) !== undefined
      },
    })

    /** @returns nothing to wait for when the client shows what it showed before, as nearly always */
    function seen(presence: Presence, session: ClientSession): MaybePromise<void> {
      if (known.isShownIn(presence, session)) return
      const caps = advertisedCaps(presence)
      if (!caps) return // XEP-0390 §5: what it said before stands
      const key = cacheKey(caps)
      if (known.isShowing(session, key)) return
      const features = caps.isVerifiable ? known.proven(key) : undefined
      const change = known.show(session, caps, features)
      if (change) return tell(change)
      if (!features && !questions.isAbout(session, caps)) return questions.ask(session, caps)
    }

    /** Asks before the presence goes on, so that the answer is there the sooner. */
    function announced(presence: Presence, session: ClientSession): MaybePromise<void> {
      if (known.isShownIn(presence, session)) return
      const caps = advertisedCaps(presence)
      if (!caps || known.isShowing(session, cacheKey(caps)) || questions.isAbout(session, caps)) return
      if (!caps.isVerifiable || !known.proven(cacheKey(caps))) return questions.ask(session, caps)
    }

    /** Clients that were there before this version. */
    async function lookAtAll(): Promise<void> {
      for (const session of sessions.all()) {
        if (session.presence) await seen(session.presence, session)
      }
    }

    const service: CapabilitiesService = {
      of: (session) => known.of(session),
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }

    return {
      services: { capabilities: service },
      features: [NS.legacyCaps, NS.caps],
      interceptors: [
        {
          name: 'announced-capabilities',
          band: 'observe',
          when: { stanza: 'presence', type: 'available', incoming: true, processed: false },
          interceptPacket({ packet, session }) {
            if (packet.kind === 'presence' && packet.attribute('to') === undefined && isClientSession(session)) return announced(packet, session)
          },
        },
        {
          name: 'shown-capabilities',
          band: 'observe',
          budget: TELLING_BUDGET_MS,
          when: { stanza: 'presence', type: 'available', incoming: true, processed: true },
          interceptPacket({ packet, session }) {
            if (packet.kind === 'presence' && packet.attribute('to') === undefined && isAvailableClient(session)) return seen(packet, session)
          },
        },
        {
          name: 'answers',
          band: 'observe',
          budget: TELLING_BUDGET_MS,
          when: { stanza: 'iq', type: ['result', 'error'], incoming: true, processed: true },
          interceptPacket({ packet, session }) {
            if (packet.kind === 'iq' && isClientSession(session) && questions.isAsked(session, packet.id)) return questions.take(session, packet)
          },
        },
      ],
      hooks: {
        resourceUnavailable({ session }) {
          questions.withdraw(session)
          known.forget(session)
        },
      },
      // In a turn of its own: it serves then, and hears the answers; and what the version before knew need not be asked again.
      start: () => void timers.after(0, lookAtAll),
      stop: () => questions.stop(),
      save: () => known.save(sessions.all()),
      restore(state) {
        known.restore(state)
        for (const session of sessions.all()) if (session.presence) known.showProven(session, advertisedCaps(session.presence))
      },
    }
  },
})

function isAvailableClient(session: Session): session is ClientSession {
  return isClientSession(session) && session.isAvailable
}
