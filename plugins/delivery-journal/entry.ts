/** One message in the journal, and those that go to the disk together. */
import type { ClientSession } from '@beaconfire/plugin-sdk'

/** Messages whose senders wait for the same: that each has arrived, or is on disk. */
export class EntryBatch {
  readonly settled: Promise<void>
  #open = 0
  isUsed = false
  /** Nobody waits any more: what comes belongs to another. */
  isOver = false
  #settle: () => void = () => {}

  constructor() {
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  opened(): void {
    this.isUsed = true
    this.#open++
  }
  closed(): void {
    if (--this.#open > 0) return
    this.isOver = true
    this.#settle()
  }
}

/** It is the row itself, which the store numbers: a copy of each would be garbage on the way of every message. */
export class Entry {
  journalID = 0
  /** Sessions that were handed the message and have not acknowledged it. */
  recipients = 0
  /** `waiting` for its turn, `writing`, `stored`, or `done`: arrived before it was written. */
  state: 'waiting' | 'writing' | 'stored' | 'done' = 'waiting'
  readonly session: ClientSession
  readonly batch: EntryBatch
  #isSettled = false

  /** @param session the first that was handed the message */
  constructor(
    readonly username: string,
    readonly creationDate: string,
    readonly stanza: string,
    session: ClientSession,
    batch: EntryBatch,
  ) {
    this.session = session
    this.batch = batch
    batch.opened()
  }

  get hasArrived(): boolean {
    return this.recipients === 0
  }
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** The sender need not wait for this one any more. */
  settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.batch.closed()
  }
}
