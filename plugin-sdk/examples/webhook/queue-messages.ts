/** The interceptor: an event for each message that was routed. It waits for nothing. */
import { type Logger, type Metrics, NS, type PacketInterceptor } from '@beaconfire/plugin-sdk'
import type { WebhookConfig } from './config.js'
import type { EventStore } from './event-store.js'
import { messageEvent } from './message-event.js'

/** Failures between two lines of the log. */
const LOGGED_EVERY = 1000

export interface QueueCollaborators {
  readonly store: Pick<EventStore, 'append'>
  readonly sender: { readonly waiting: number; queued(): void }
  readonly config: WebhookConfig
  readonly log: Logger
  readonly metrics: Metrics
}

export function queueMessages({ store, sender, config, log, metrics }: QueueCollaborators): PacketInterceptor {
  const lost = metrics.counter('lost_total', 'Messages of which no event could be queued')
  let failures = 0
  const lose = (reason: string, error?: unknown) => {
    lost.increment()
    if (failures++ % LOGGED_EVERY === 0) log.error({ reason, failures, error }, 'no event could be queued for a message')
  }
  return {
    name: 'queue',
    band: 'observe',
    readOnly: true,
    when: { stanza: 'message', type: config.types, incoming: true, processed: true },
    interceptPacket({ packet, hold }) {
      if (packet.kind !== 'message' || packet.body === undefined) return
      if (config.obeyHints && packet.childNamespaces().includes(NS.hints) && packet.hasChild('no-store', NS.hints)) return
      if (sender.waiting >= config.maxWaiting) {
        lose('too many events wait')
        return
      }
      const stored = store.append(messageEvent(packet, config.bodies))
      if (config.holdAcknowledgement) hold(stored)
      stored.then(
        () => sender.queued(),
        (error: unknown) => lose('the table cannot be written', error),
      )
    },
  }
}
