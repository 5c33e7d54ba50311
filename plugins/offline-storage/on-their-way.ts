/**
 * Rows that a session was handed and has not acknowledged (design §5). Each is removed when it has arrived, however long that takes, and
 * stays when the session ends before. Meanwhile nobody else gets it without need, and its own session never gets it twice.
 */
import { type ClientSession, type Jid, type Logger, SessionEnded, type Timer, type Timers } from '@beaconfire/plugin-sdk'
import { Batch, PATIENCE_MS } from './batch.js'
import type { MailboxSizes } from './mailbox-sizes.js'
import type { OfflineStore } from './offline-store.js'

/** How often is looked at what is late, in ms. */
const TICK_MS = 1000
/** Pause after the database has failed, in ms. */
const RETRY_MS = 3000
/** Rows that are remembered while they cannot be removed. */
const MOST_UNREMOVED = 100_000

export interface OnTheirWayCollaborators {
  readonly store: Pick<OfflineStore, 'remove'>
  readonly sizes: Pick<MailboxSizes, 'forget'>
  readonly log: Logger
  readonly timers: Timers
  /** The user's sessions that could take what is free again. */
  takers(of: Jid): readonly ClientSession[]
  /** What was kept from this session may be for it now. */
  handOver(session: ClientSession): void
}

/** What the next version of the plugin has to know of a batch. */
export type SavedBatch = Pick<Batch, 'username' | 'messageIDs' | 'receipts' | 'hasArrived' | 'at' | 'arrivedBefore'> & {
  readonly session: readonly [fullJid: string, id: string]
}

/** Of one user. */
interface Underway {
  readonly batches: Batch[]
  /** Sessions that were not given what another may have. */
  readonly waiting: Set<ClientSession>
}

export class OnTheirWay {
  readonly #with: OnTheirWayCollaborators
  readonly #users = new Map<string, Underway>()
  readonly #removals = new Set<Promise<void>>()
  #unremoved = 0
  /** One for all, while there are any. */
  #ticking: Timer | undefined
  #isOver = false

  constructor(collaborators: OnTheirWayCollaborators) {
    this.#with = collaborators
  }

  begin(session: ClientSession): Batch {
    const batch = new Batch(session)
    this.#add(batch)
    return batch
  }

  /**
   * Rows that are not for this session now: `false` for one that it was handed, or that has arrived somewhere; `true` for one that is
   * reserved for another session. Undefined when there are none.
   */
  notFor(session: ClientSession): ReadonlyMap<number, boolean> | undefined {
    const user = this.#users.get(session.jid.local)
    if (!user) return undefined
    const now = performance.now()
    const rows = new Map<number, boolean>()
    for (const batch of user.batches) {
      const isGiven = batch.hasArrived || batch.session === session
      const isReserved = isReservedFrom(session, batch, now)
      batch.messageIDs.forEach((messageID, at) => {
        if (isGiven || batch.isAcknowledged(at)) rows.set(messageID, false)
        else if (isReserved && !rows.has(messageID)) rows.set(messageID, true)
      })
    }
    return rows
  }

  /** The session was not given rows that were reserved for another. */
  awaits(session: ClientSession): void {
    const now = performance.now()
    const user = this.#users.get(session.jid.local)
    if (user?.batches.some((it) => isReservedFrom(session, it, now))) user.waiting.add(session)
    else this.#with.handOver(session) // they were when they were read
  }

  /** Nothing is added to the batch any more. */
  complete(batch: Batch): void {
    batch.at = performance.now()
    batch.arrivedBefore = batch.session.arrived
    if (batch.messageIDs.length > 0) batch.arrival = this.#follow(batch)
    else this.#drop(batch)
  }

  /** Resolves when no removal is under way. Rows are offered to nobody any more. */
  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#removals)
  }

  save(): SavedBatch[] {
    return [...this.#users.values()].flatMap(({ batches }) =>
      batches.map(({ session, username, messageIDs, receipts, hasArrived, at, arrivedBefore }) => {
        return { session: [session.jid.toString(), session.id], username, messageIDs, receipts, hasArrived, at, arrivedBefore }
      }),
    )
  }

  /** @param session undefined when it has ended: its rows stay */
  adopt({ username, messageIDs, receipts, hasArrived, at, arrivedBefore }: SavedBatch, session: ClientSession | undefined): void {
    if (!session) return
    const batch = Object.assign(new Batch(session, username), { messageIDs, receipts, hasArrived, at, arrivedBefore })
    this.#add(batch)
    void (hasArrived ? this.#remove(batch) : this.#follow(batch))
  }

  async #follow(batch: Batch): Promise<void> {
    try {
      await batch.session.whenFlushed()
    } catch (error) {
      if (!(error instanceof SessionEnded)) this.#with.log.error({ jid: batch.session.jid.toString(), error }, 'it is not known what has arrived')
      const removed = this.#removeAcknowledged(batch)
      const isFree = batch.messageIDs.length > 0
      batch.messageIDs = []
      if (isFree) this.#offer(batch.session.jid)
      this.#drop(batch)
      return removed
    }
    batch.hasArrived = true
    await this.#remove(batch)
  }

  #removeAcknowledged(batch: Batch): Promise<void> | undefined {
    const taken = batch.takeAcknowledged()
    if (taken.messageIDs.length === 0) return undefined
    this.#add(taken)
    return this.#remove(taken)
  }

  /** What is late: some of it has been acknowledged, some may be for others now. */
  #tick(): void {
    const now = performance.now()
    for (const { batches, waiting } of this.#users.values()) {
      const late = batches.filter((it) => !it.hasArrived && it.at + PATIENCE_MS <= now)
      const free = late.find((it) => it.reservedUntil <= now)
      if (free && waiting.size > 0) this.#offer(free.session.jid)
      for (const batch of late) if (batch.isAcknowledged(0)) void this.#removeAcknowledged(batch)
    }
    if (this.#users.size > 0) return
    this.#ticking?.cancel()
    this.#ticking = undefined
  }

  #remove(batch: Batch): Promise<void> {
    const removal = this.#tryToRemove(batch).finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
    return removal
  }

  /** Tried until it succeeds: rows that were not removed would come again. */
  async #tryToRemove(batch: Batch): Promise<void> {
    const { username, messageIDs } = batch
    try {
      await this.#with.store.remove(username, messageIDs)
      this.#drop(batch)
    } catch (error) {
      this.#with.log.error({ username, rows: messageIDs.length, error }, 'messages that have arrived could not be removed yet')
      this.#retryLater(batch)
    }
    this.#with.sizes.forget(username)
  }

  #retryLater(batch: Batch): void {
    if (this.#unremoved + batch.messageIDs.length > MOST_UNREMOVED) {
      this.#drop(batch)
      return
    }
    this.#unremoved += batch.messageIDs.length
    this.#with.timers.after(RETRY_MS, () => {
      this.#unremoved -= batch.messageIDs.length
      return this.#remove(batch)
    })
  }

  #add(batch: Batch): void {
    const user = this.#users.get(batch.username)
    if (user) user.batches.push(batch)
    else this.#users.set(batch.username, { batches: [batch], waiting: new Set() })
    this.#ticking ??= this.#with.timers.every(TICK_MS, () => this.#tick())
  }

  #drop(batch: Batch): void {
    const user = this.#users.get(batch.username)
    if (!user) return
    const at = user.batches.indexOf(batch)
    if (at >= 0) user.batches.splice(at, 1)
    if (user.batches.length === 0) this.#users.delete(batch.username)
  }

  /** To those who wait, or else to one who could take it. */
  #offer(of: Jid): void {
    const user = this.#users.get(of.local)
    const waiting = [...(user?.waiting ?? [])].filter((it) => it.isOpen)
    user?.waiting.clear()
    if (this.#isOver) return
    for (const session of waiting.length > 0 ? waiting : this.#with.takers(of).slice(0, 1)) this.#with.handOver(session)
  }
}

function isReservedFrom(session: ClientSession, batch: Batch, now: number): boolean {
  return !batch.hasArrived && batch.session !== session && batch.reservedUntil > now
}
