/** One message in the journal, and those that go to the disk together. */
import type { ClientSession } from '@beaconfire/plugin-sdk'

/**
 * Messages that one session was handed in one turn of the event loop: their senders wait until each has arrived, or is on disk. Of one
 * session, since what waits is kept in memory: it is not to wait for clients that acknowledge more slowly.
 */
export class EntryBatch {
  readonly settled: Promise<void>
  #open = 0
  /** Nobody waits any more: what comes belongs to another. */
  isOver = false
  #settle: () => void = () => {}

  constructor(readonly creationDate: string) {
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  opened(): void {
    this.#open++
  }
  closed(): void {
    if (--this.#open > 0) return
    this.isOver = true
    this.#settle()
  }
}

/** A session that was handed a message, and what its `arrived` is when it has it. */
export interface Handed {
  readonly session: ClientSession
  readonly receipt: number
}

/**
 * It is the row itself, which the store numbers, and the first session's {@link Handed}: a copy of each would be garbage on the way of
 * every message.
 */
export class Entry implements Handed {
  journalID = 0
  readonly receipt: number
  /** Further resources that were handed the message in the same turn. */
  others: Handed[] | undefined = undefined
  /** Sessions that have not acknowledged it, once it is no longer `recent`. */
  recipients = 0
  /** `recent` until it has had a few turns to arrive, `waiting` for its turn to be written, `writing`, `stored`, or `done`: never written. */
  state: 'recent' | 'waiting' | 'writing' | 'stored' | 'done' = 'recent'
  #isSettled = false

  /** @param session the first that was handed the message, just now */
  constructor(
    readonly session: ClientSession,
    readonly stanza: string,
    readonly batch: EntryBatch,
  ) {
    this.receipt = session.handedOver
    batch.opened()
  }

  get username(): string {
    return this.session.jid.local
  }
  get creationDate(): string {
    return this.batch.creationDate
  }
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** All that were handed it have it. */
  get hasArrived(): boolean {
    return this.state === 'recent' ? hasGot(this) && (this.others?.every(hasGot) ?? true) : this.recipients === 0
  }

  /** The sender need not wait for this one any more. */
  settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.batch.closed()
  }
}

export function hasGot({ session, receipt }: Handed): boolean {
  return session.arrived >= receipt
}
