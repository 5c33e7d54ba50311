/** Where the journal meets messages: after they were handed over, and before they are accepted while it cannot keep up. */
import {
  type Crossing,
  fateOf,
  isClientSession,
  isKept,
  type MaybePromise,
  type PacketInterceptor,
  PacketRejected,
  type Timers,
} from '@beaconfire/plugin-sdk'
import type { Entry } from './entry.js'
import type { Journal } from './journal.js'

/** Notes the entry of a message, so that it is written once however many resources it reaches. */
const ENTRY = Symbol('delivery-journal: entry')
/** How long a sender waits for room, in ms, before it is told to try again later. */
const PATIENCE_MS = 5000
const BUDGET_MS = 30_000

export function interceptors(journal: Journal, timers: Timers): PacketInterceptor[] {
  return [
    {
      name: 'handed-over',
      // Before those who only look and may write for themselves: their rows and the journal's then go to the disk together.
      band: 'guard',
      when: { stanza: 'message', type: ['chat', 'normal'], incoming: false, processed: true },
      interceptPacket: (crossing) => handedOver(crossing, journal),
    },
    {
      name: 'room',
      band: 'guard',
      budget: BUDGET_MS,
      when: { stanza: 'message', type: ['chat', 'normal'], incoming: true, processed: false },
      interceptPacket: () => (journal.isSaturated ? waitForRoom(journal, timers) : undefined),
    },
  ]
}

function handedOver(crossing: Crossing, journal: Journal): void {
  const { packet, session, routed } = crossing
  if (packet.kind !== 'message' || !isClientSession(session)) return
  if (isKept(packet) || fateOf(packet) !== 'keep') return
  const noted = routed[ENTRY] as Entry | undefined
  const entry = journal.handedOver(session, packet.toString(), noted?.username === session.jid.local ? noted : undefined)
  routed[ENTRY] = entry
  if (!entry.isSettled) crossing.hold(entry.batch.settled)
}

/** @throws PacketRejected when there is none for too long */
function waitForRoom(journal: Journal, timers: Timers): MaybePromise<void> {
  if (journal.isFailing) throw busy()
  return new Promise((resolve, reject) => {
    const timer = timers.after(PATIENCE_MS, () => reject(busy()))
    void journal.whenRoom().then(() => {
      timer.cancel()
      resolve()
    })
  })
}

function busy(): PacketRejected {
  return new PacketRejected({ condition: 'resource-constraint', text: 'The server cannot store messages at the moment. Try again later.' })
}
