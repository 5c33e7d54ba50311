/** The interceptor: what an account sends beyond its limit is refused, and it may try again (RFC 6120 §8.3.3.17). */
import { type Admins, type Logger, type Metrics, type PacketInterceptor, PacketRejected, type Stanza } from '@beaconfire/plugin-sdk'
import type { Buckets } from './buckets.js'
import type { LimiterConfig } from './config.js'

/** Refusals of one account between two lines of the log. */
const LOGGED_EVERY = 100

export interface LimiterCollaborators {
  readonly buckets: Buckets
  readonly config: LimiterConfig
  readonly admins: Pick<Admins, 'has'>
  readonly log: Logger
  readonly metrics: Metrics
}

export function limitStanzas({ buckets, config, admins, log, metrics }: LimiterCollaborators): PacketInterceptor {
  const refused = metrics.counter('refused_total', 'Stanzas that were refused, their sender being too fast')
  let sinceLogged = LOGGED_EVERY
  return {
    name: 'limit',
    band: 'guard',
    when: { incoming: true, processed: false },
    readOnly: true,
    interceptPacket({ packet, session }) {
      if (session.kind !== 'client' || !isLimited(packet)) return
      // All resources of an account share its buckets.
      const user = session.jid.bare()
      if (config.exemptAdmins && admins.has(user)) return
      if (buckets.take(user.toString(), packet.kind)) return
      refused.increment()
      if (++sinceLogged >= LOGGED_EVERY) {
        sinceLogged = 0
        log.warn({ jid: session.jid.toString(), stanza: packet.kind }, 'an account sends too fast')
      }
      throw new PacketRejected({ condition: 'resource-constraint', type: 'wait', text: config.text })
    },
  }
}

/** Answers, errors and the word that a client goes are let through: somebody waits for them. */
function isLimited({ type }: Stanza): boolean {
  return type !== 'error' && type !== 'result' && type !== 'unavailable'
}
