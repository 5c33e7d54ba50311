/** Where the journal meets messages: after they were handed over. */
import { type Crossing, fateOf, isClientSession, isKept, type MaybePromise, type PacketInterceptor, type Timers } from '@beaconfire/plugin-sdk'
import type { Entry } from './entry.js'
import type { Journal } from './journal.js'

/** Notes the entry of a message, so that it is written once however many resources it reaches. */
const ENTRY = Symbol('delivery-journal: entry')
/** How long a sender waits, in ms, while the journal has too much to write: it may go on then, as slowly as that. */
const PATIENCE_MS = 20_000
const BUDGET_MS = 30_000

export function handedOver(journal: Journal, timers: Timers): PacketInterceptor {
  return {
    name: 'handed-over',
    // Before those who only look: a message is in the journal's care as soon as the session has it.
    band: 'guard',
    budget: BUDGET_MS,
    when: { stanza: 'message', type: ['chat', 'normal'], incoming: false, processed: true },
    interceptPacket(crossing) {
      note(crossing, journal)
      if (journal.isSaturated) return waitForRoom(journal, timers)
    },
  }
}

function note(crossing: Crossing, journal: Journal): void {
  const { packet, session, routed } = crossing
  if (packet.kind !== 'message' || !isClientSession(session) || isKept(packet) || fateOf(packet) !== 'keep') return
  const noted = routed[ENTRY] as Entry | undefined
  const entry = journal.handedOver(session, packet.toString(), noted?.username === session.jid.local ? noted : undefined)
  routed[ENTRY] = entry
  if (!entry.isSettled) crossing.hold(entry.batch.settled, true)
}

function waitForRoom(journal: Journal, timers: Timers): MaybePromise<void> {
  return new Promise((resolve) => {
    const timer = timers.after(PATIENCE_MS, resolve)
    void journal.whenRoom().then(() => {
      timer.cancel()
      resolve()
    })
  })
}
