/** The two interceptors: the guard rejects, and what it let pass the transformer masks. */
import { type Logger, type Metrics, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'
import type { FilterConfig } from './config.js'
import { rewriteTexts, textsOf } from './message-texts.js'
import type { Rules } from './rules.js'

export interface FilterCollaborators {
  readonly rules: Pick<Rules, 'rejecting' | 'masking'>
  readonly config: Pick<FilterConfig, 'text'>
  readonly log: Logger
  readonly metrics: Metrics
}

/** As read from the sender, so that a room, an archive and an absent recipient's mailbox get what was let through. */
const WHEN = { stanza: 'message', type: ['normal', 'chat', 'groupchat', 'headline'], incoming: true, processed: false } as const

export function filterMessages({ rules, config, log, metrics }: FilterCollaborators): PacketInterceptor[] {
  const rejected = metrics.counter('rejected_total', 'Messages that were rejected')
  const masked = metrics.counter('masked_total', 'Messages in which words were masked')
  return [
    {
      name: 'reject',
      band: 'guard',
      when: WHEN,
      interceptPacket({ packet, session }) {
        const { rejecting } = rules
        if (rejecting.isEmpty || packet.kind !== 'message' || session.kind === 'internal') return
        for (const text of textsOf(packet)) {
          const match = rejecting.first(text)
          if (!match) continue
          rejected.increment()
          log.info({ jid: session.jid.toString(), stanzaId: packet.id, rule: match.ruleId }, 'a message was rejected')
          throw new PacketRejected({ condition: 'policy-violation', text: config.text })
        }
      },
    },
    {
      name: 'mask',
      band: 'transform',
      when: WHEN,
      interceptPacket({ packet, session }) {
        const { masking } = rules
        if (masking.isEmpty || packet.kind !== 'message' || session.kind === 'internal') return
        if (!textsOf(packet).some((text) => masking.first(text))) return
        rewriteTexts(packet, (text) => masking.masked(text))
        masked.increment()
      },
    },
  ]
}
