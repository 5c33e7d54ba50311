/** The interceptors: every stanza that was accepted, before it is routed; and, where wanted, each copy that was handed over. */
import { type Crossing, type Logger, type MaybePromise, type Metrics, type PacketInterceptor, whenDone } from '@beaconfire/plugin-sdk'
import type { AuditConfig } from './config.js'
import { shownStanza } from './shown-stanza.js'
import { jidColumn, type NewStanza, type StanzaStore } from './stanza-store.js'

/** In ms. Waiting for a database that is behind is the back pressure that is wanted, and no fault of this interceptor. */
const BUDGET_MS = 60_000
/** Failures between two lines of the log. */
const LOGGED_EVERY = 1000

export interface RecorderCollaborators {
  readonly store: StanzaStore
  readonly config: AuditConfig
  readonly log: Logger
  readonly metrics: Metrics
}

export function recordStanzas({ store, config, log, metrics }: RecorderCollaborators): PacketInterceptor[] {
  const recorded = metrics.counter('stanzas_total', 'Stanzas given to the log')
  const failed = metrics.counter('write_failures_total', 'Stanzas that could not be logged')
  metrics.gauge('pending_rows', 'Stanzas on their way to the disk', () => store.pending)
  let failures = 0
  const refused = (error: unknown) => {
    failed.increment()
    if (failures++ % LOGGED_EVERY === 0) log.error({ error, failures }, 'a stanza could not be logged')
  }
  let lastHeld: Promise<void> | undefined
  const write = (crossing: Crossing) => {
    const stored = store.append(rowOf(crossing, config.bodies), refused)
    recorded.increment()
    if (config.holdAcknowledgement) crossing.hold(stored)
    // Rows that go together share a promise; the rejection of each row has been told.
    else if (stored !== lastHeld) {
      lastHeld = stored
      stored.catch(() => undefined)
    }
  }
  const interceptPacket = (crossing: Crossing): MaybePromise<void> =>
    // Whoever sends faster than the disk writes waits for it: what is in memory stays bounded.
    store.isSaturated ? whenDone(store.whenIdle(), () => write(crossing)) : write(crossing)
  const common = { band: 'observe', readOnly: true, budget: BUDGET_MS, interceptPacket } as const
  const incoming: PacketInterceptor = { ...common, name: 'incoming', when: { stanza: config.kinds, incoming: true, processed: false } }
  const outgoing: PacketInterceptor = { ...common, name: 'outgoing', when: { stanza: config.kinds, incoming: false, processed: true } }
  return config.outgoing ? [incoming, outgoing] : [incoming]
}

function rowOf({ packet, session, incoming }: Crossing, bodies: boolean): NewStanza {
  return {
    at: Date.now(),
    kind: packet.kind,
    type: packet.type,
    sender: jidColumn(packet.from?.bare().toString() ?? ''),
    receiver: jidColumn(packet.to?.bare().toString() ?? ''),
    stanzaId: packet.id ?? null,
    incoming: incoming ? 1 : 0,
    session: session.jid.toString(),
    address: session.remoteAddress.slice(0, 64),
    detail: shownStanza(packet, bodies),
  }
}
