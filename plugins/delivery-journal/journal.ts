/**
 * Keeps on disk what clients have been handed and not acknowledged (design §5). What arrives before its turn to be written comes is
 * never written; while one write is under way, and for as long after it, all others wait for the next.
 */
import type { ClientSession, Logger, Timer, Timers } from '@beaconfire/plugin-sdk'
import { Entry, EntryBatch, type Handed, hasGot } from './entry.js'
import { dateColumn, type JournalStore } from './journal-store.js'
import { Recent } from './recent.js'
import { Removal } from './removal.js'
import { writeEntries } from './write-entries.js'

/** How often rows that are done with are removed, in ms; more often where there are many. */
const TICK_MS = 250
/** Pause after a write that failed, in ms. */
const RETRY_MS = 1000
/** A write that took less, in ms, is followed by a pause as long; one that took more has given clients time enough to acknowledge. */
const LONGEST_REST_MS = 10
/** So many waiting are written without a pause. */
const REST_BELOW = 1000
/** Messages and characters that may wait to be written before senders have to. */
const MOST_WAITING = 20_000
const MOST_CHARACTERS = 64 * 1024 * 1024

/** A message that a session was handed, and what `session.arrived` is when it has it. */
interface Noted {
  readonly entry: Entry
  readonly receipt: number
}

export class Journal {
  readonly #store: JournalStore
  readonly #timers: Timers
  readonly #log: Logger
  /** In order, by session. */
  readonly #handed = new Map<ClientSession, Noted[]>()
  /** Of this turn, by recipient. */
  readonly #batches = new Map<ClientSession, EntryBatch>()
  /** Of this turn; undefined until it is needed. */
  #creationDate: string | undefined
  readonly #recent = new Recent()
  /** Entries that wait for their turn to go to the disk. */
  #waiting: Entry[] = []
  #characters = 0
  /** Entries on their way to the disk. */
  #writing = 0
  #isScheduled = false
  /** Set after a write that failed, until the next. */
  #pause: Timer | undefined
  /** Set after a write, until the next may follow. */
  #rest: Timer | undefined
  readonly #removal: Removal
  #ticking: Timer | undefined
  #roomWaiters: (() => void)[] = []

  constructor(store: JournalStore, timers: Timers, log: Logger) {
    this.#store = store
    this.#timers = timers
    this.#log = log
    this.#removal = new Removal(store, log)
  }

  /** Messages that have not arrived. */
  get pending(): number {
    let count = this.#recent.count
    for (const handed of this.#handed.values()) count += handed.length
    return count
  }
  get isSaturated(): boolean {
    return this.#waiting.length + this.#writing > MOST_WAITING || this.#characters > MOST_CHARACTERS
  }
  /** The last write failed, and the next has not been tried. */
  get isFailing(): boolean {
    return this.#pause !== undefined
  }

  /** Notes a message that was just handed to a session. @returns its entry; the sender waits for `entry.batch.settled` */
  handedOver(session: ClientSession, xml: string, known: Entry | undefined): Entry {
    if (known && !known.hasArrived) {
      this.#handedOverAlso(known, session)
      return known
    }
    const entry = new Entry(session, xml, this.#batchOf(session))
    this.#recent.add(entry)
    if (!this.#isScheduled) this.#schedule()
    return entry
  }

  /** The session has ended, and what it had not acknowledged is safe elsewhere. */
  returned(session: ClientSession): void {
    this.#enterAll()
    const handed = this.#handed.get(session)
    this.#handed.delete(session)
    for (const { entry } of handed ?? []) this.#arrived(entry)
  }

  /** The session has ended, and some of its messages are nowhere else: what is on disk stays. Of the others the senders know. */
  forget(session: ClientSession): void {
    this.#enterAll()
    const handed = this.#handed.get(session)
    this.#handed.delete(session)
    for (const { entry } of handed ?? []) if (entry.state !== 'stored') this.#arrived(entry)
  }

  /** What this session was handed and has not got, in order. */
  missing(session: ClientSession): Entry[] {
    this.#enterAll()
    this.#look(session)
    return (this.#handed.get(session) ?? []).map(({ entry }) => entry)
  }

  /** Resolves when there is room for more. */
  whenRoom(): Promise<void> {
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /** Resolves when nothing is on its way to the disk, or nothing gets there. */
  async whenQuiet(): Promise<void> {
    while (this.#hasToWrite && !this.isFailing) {
      this.#endRest()
      await this.#nextTurn()
    }
  }

  /** Resolves when nothing is on its way to the disk, however long that takes: until then senders wait for this version of the plugin. */
  async whenWritten(): Promise<void> {
    while (this.#hasToWrite) {
      if (this.isFailing) await new Promise<void>((resolve) => void this.#timers.after(RETRY_MS, resolve))
      else await this.whenQuiet()
    }
  }

  /** Removes the rows of all that has arrived. */
  async clear(): Promise<void> {
    this.#lookAtAll()
    await this.#removal.finish()
  }

  /** What the next version of the plugin has to know: rows of messages that have not arrived. */
  stored(): { readonly session: ClientSession; readonly receipt: number; readonly journalID: number }[] {
    return [...this.#handed].flatMap(([session, handed]) =>
      handed.flatMap(({ entry, receipt }) => (entry.state === 'stored' ? [{ session, receipt, journalID: entry.journalID }] : [])),
    )
  }

  /** Numbers of the rows that it waits for, or removes. */
  rows(): Set<number> {
    return new Set([...this.stored().map(({ journalID }) => journalID), ...this.#removal.rows])
  }

  /** A row that the version before wrote. */
  adopt(session: ClientSession | undefined, receipt: number, journalID: number): void {
    if (!session) this.#removal.add(journalID)
    else {
      const entry = new Entry(session, '', new EntryBatch(''))
      entry.journalID = journalID
      entry.state = 'stored'
      entry.settle()
      entry.recipients = 1
      this.#handed.set(session, [...(this.#handed.get(session) ?? []), { entry, receipt }])
    }
    this.#ticking ??= this.#timers.every(TICK_MS, () => this.#tick())
  }

  #batchOf(session: ClientSession): EntryBatch {
    const open = this.#batches.get(session)
    if (open && !open.isOver) return open
    this.#creationDate ??= dateColumn(Date.now())
    const batch = new EntryBatch(this.#creationDate)
    this.#batches.set(session, batch)
    return batch
  }

  /** Another resource of the same account. */
  #handedOverAlso(entry: Entry, session: ClientSession): void {
    const handed: Handed = { session, receipt: session.handedOver }
    if (entry.state === 'recent') {
      entry.others ??= []
      entry.others.push(handed)
    } else {
      this.#enterAll() // or what the session was handed before would be noted behind this
      this.#note(entry, handed)
    }
  }

  /** It has not arrived as soon as most do. */
  #enter(entry: Entry): void {
    entry.state = 'waiting'
    this.#characters += entry.stanza.length
    this.#waiting.push(entry)
    if (!hasGot(entry)) this.#note(entry, entry)
    for (const other of entry.others ?? []) if (!hasGot(other)) this.#note(entry, other)
    if (entry.hasArrived) this.#done(entry)
  }

  #enterAll(): void {
    for (const entry of this.#recent.takeAll()) this.#enter(entry)
  }

  #note(entry: Entry, { session, receipt }: Handed): void {
    entry.recipients++
    const handed = this.#handed.get(session)
    if (handed) handed.push({ entry, receipt })
    else this.#handed.set(session, [{ entry, receipt }])
    this.#ticking ??= this.#timers.every(TICK_MS, () => this.#tick())
  }

  get #hasToWrite(): boolean {
    return this.#isScheduled || this.#waiting.length > 0 || this.#writing > 0
  }
  get #mayWrite(): boolean {
    return this.#writing === 0 && !this.#pause && !this.#rest
  }

  #schedule(): void {
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    for (const entry of this.#recent.pass(this.#done)) this.#enter(entry)
    this.#batches.clear()
    this.#creationDate = undefined
    if (this.#mayWrite) this.#write()
    if (this.#recent.count > 0) this.#schedule()
  }

  /** It arrived before it was written. */
  readonly #done = (entry: Entry): void => {
    entry.state = 'done'
    entry.settle()
  }

  /** One write at a time: what comes meanwhile, less what arrives meanwhile, goes with the next. */
  #write(): void {
    const due = this.#unarrived(this.#waiting)
    this.#waiting = []
    if (due.length > 0) void this.#append(due)
    else this.#releaseRoom()
  }

  #unarrived(entries: readonly Entry[]): Entry[] {
    const left: Entry[] = []
    for (const entry of entries) {
      this.#look(entry.session)
      if (entry.state === 'waiting') left.push(entry)
      else this.#characters -= entry.stanza.length
    }
    return left
  }

  async #append(entries: readonly Entry[]): Promise<void> {
    this.#writing = entries.length
    const since = performance.now()
    for (const entry of entries) entry.state = 'writing'
    const { stored, refused } = await writeEntries(entries, this.#store, this.#log)
    this.#settled(stored)
    if (refused.length > 0) this.#tryAgain(refused)
    else this.#goOn(performance.now() - since)
  }

  #settled(stored: readonly Entry[]): void {
    this.#writing = 0
    for (const entry of stored) {
      entry.state = 'stored'
      this.#characters -= entry.stanza.length
      entry.settle()
      if (entry.hasArrived) this.#removal.add(entry.journalID)
    }
  }

  /** @param took what the last write did, in ms */
  #goOn(took: number): void {
    if (took === 0 || took > LONGEST_REST_MS || this.#waiting.length >= REST_BELOW) {
      this.#write()
      return
    }
    this.#rest = this.#timers.after(Math.ceil(took), () => this.#endRest())
    this.#releaseRoom()
  }

  #endRest(): void {
    if (!this.#rest) return
    this.#rest.cancel()
    this.#rest = undefined
    this.#write()
  }

  #tryAgain(refused: readonly Entry[]): void {
    for (const entry of refused) entry.state = entry.hasArrived ? 'done' : 'waiting'
    this.#waiting = [...refused, ...this.#waiting]
    this.#pause = this.#timers.after(RETRY_MS, () => {
      this.#pause = undefined
      this.#write()
    })
  }

  #releaseRoom(): void {
    if (this.#roomWaiters.length === 0 || this.isSaturated) return
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const resolve of waiters) resolve()
  }

  // --- what has arrived

  #lookAtAll(): void {
    for (const session of this.#handed.keys()) this.#look(session)
  }

  #look(session: ClientSession): void {
    const handed = this.#handed.get(session)
    if (!handed) return
    const { arrived } = session
    let count = 0
    while (count < handed.length && (handed[count] as Noted).receipt <= arrived) this.#arrived((handed[count++] as Noted).entry)
    if (count === handed.length) this.#handed.delete(session)
    else if (count > 0) handed.splice(0, count)
  }

  #arrived(entry: Entry): void {
    entry.recipients--
    if (!entry.hasArrived) return
    if (entry.state === 'waiting') entry.state = 'done'
    else if (entry.state === 'stored') this.#removal.add(entry.journalID)
    entry.settle()
  }

  async #tick(): Promise<void> {
    this.#lookAtAll()
    await this.#removal.next()
    if (this.#handed.size > 0 || !this.#removal.isEmpty || this.#writing > 0) return
    this.#ticking?.cancel()
    this.#ticking = undefined
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }
}
