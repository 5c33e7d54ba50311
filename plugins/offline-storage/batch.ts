/** Rows that one session was handed after each other: which of them it has acknowledged, and how long others leave them to it. */
import type { ClientSession } from '@beaconfire/plugin-sdk'

/** How long other sessions of the user are not given what one was handed, in ms: it may be lost without anybody noticing. */
export const PATIENCE_MS = 5000
/** The same while that session acknowledges, if only what it was sent before: some clients always leave a few stanzas out. */
const LONG_PATIENCE_MS = 60_000
/** The receipt of a row that no session has to acknowledge: it had expired, or was refused. */
const NONE = 0

export class Batch {
  messageIDs: number[] = []
  /** For each row, what `session.arrived` is when the session has it. */
  receipts: number[] = []
  hasArrived = false
  /** Resolves when its rows were removed, as far as the database can, or stay since the session has ended. Never rejects. */
  arrival: Promise<void> = Promise.resolve()
  /** When it was complete, by `performance.now()`, and what had arrived then. */
  at = performance.now()
  arrivedBefore = 0

  constructor(
    readonly session: ClientSession,
    readonly username = session.jid.local,
  ) {}

  /** The session was handed this row just now. */
  add(messageID: number): void {
    this.messageIDs.push(messageID)
    // What is written to a socket is certain only when it is flushed; what is acknowledged is counted.
    this.receipts.push(this.session.acknowledges ? this.session.handedOver : Number.POSITIVE_INFINITY)
  }

  /** There is nothing to hand over: this row can go. */
  addUnneeded(messageID: number): void {
    this.messageIDs.push(messageID)
    this.receipts.push(NONE)
  }

  /** @param at place of the row */
  isAcknowledged(at: number): boolean {
    return (this.receipts[at] as number) <= this.session.arrived
  }

  /** Takes out what its session has acknowledged. */
  takeAcknowledged(): Batch {
    const taken = new Batch(this.session, this.username)
    taken.hasArrived = true
    const left = new Batch(this.session, this.username)
    this.messageIDs.forEach((messageID, at) => {
      const to = this.isAcknowledged(at) ? taken : left
      to.messageIDs.push(messageID)
      to.receipts.push(this.receipts[at] as number)
    })
    this.messageIDs = left.messageIDs
    this.receipts = left.receipts
    return taken
  }

  /** Until when others do not get these rows, by `performance.now()`. */
  get reservedUntil(): number {
    return this.at + (this.session.arrived > this.arrivedBefore ? LONG_PATIENCE_MS : PATIENCE_MS)
  }
}
