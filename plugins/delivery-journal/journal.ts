/**
 * Keeps on disk what clients have been handed and not acknowledged (design §5). What arrives before its turn to be written comes is
 * never written; while one write is under way all others wait for the next.
 */
import type { ClientSession, Logger, Timer, Timers } from '@beaconfire/plugin-sdk'
import { Entry, EntryBatch } from './entry.js'
import { dateColumn, type JournalStore } from './journal-store.js'

/** How often rows that are done with are removed, in ms; more often where there are many. */
const TICK_MS = 250
const REMOVED_AT_ONCE = 5000
/** Pause after a write that failed, in ms. */
const RETRY_MS = 1000
/** Messages and characters that may wait to be written before senders have to. */
const MOST_WAITING = 20_000
const MOST_CHARACTERS = 64 * 1024 * 1024

/** A message in a socket: most of them are with the operating system before anybody would write them down. */
interface InSocket {
  readonly session: ClientSession
  readonly receipt: number
  readonly xml: string
  readonly batch: EntryBatch
}

/** A message that a session was handed, and what `session.arrived` is when it has it. */
interface Handed {
  readonly entry: Entry
  readonly receipt: number
}

export class Journal {
  readonly #store: JournalStore
  readonly #timers: Timers
  readonly #log: Logger
  /** In order, by session. */
  readonly #handed = new Map<ClientSession, Handed[]>()
  #batch = new EntryBatch()
  /** Of this turn, and of the one before. */
  #fresh: InSocket[] = []
  #older: InSocket[] = []
  /** Entries that wait for their turn to go to the disk. */
  #waiting: Entry[] = []
  #characters = 0
  /** Entries on their way to the disk. */
  #writing = 0
  #isScheduled = false
  /** Set after a write that failed, until the next. */
  #pause: Timer | undefined
  #removable: number[] = []
  #removing: Promise<void> | undefined
  #ticking: Timer | undefined
  #roomWaiters: (() => void)[] = []

  constructor(store: JournalStore, timers: Timers, log: Logger) {
    this.#store = store
    this.#timers = timers
    this.#log = log
  }

  /** Messages that have not arrived. */
  get pending(): number {
    let count = 0
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

  /** Notes a message that was just handed to a session without XEP-0198. @returns what the sender waits for */
  inSocket(session: ClientSession, xml: string): Promise<void> {
    const batch = this.#openBatch()
    batch.opened()
    this.#fresh.push({ session, receipt: session.handedOver, xml, batch })
    if (!this.#isScheduled) this.#schedule()
    return batch.settled
  }

  /** Notes a message that was just handed to a session with XEP-0198. @returns its entry; the sender waits for `entry.batch.settled` */
  handedOver(session: ClientSession, xml: string, known: Entry | undefined): Entry {
    const entry = known && !known.hasArrived ? known : this.#enter(session, xml, this.#openBatch())
    this.#note(entry, session, session.handedOver)
    if (!this.#isScheduled && this.#mayWrite) this.#schedule()
    return entry
  }

  /** The session has ended, and what it had not acknowledged is safe elsewhere. */
  returned(session: ClientSession): void {
    const handed = this.#handed.get(session)
    this.#handed.delete(session)
    for (const { entry } of handed ?? []) this.#arrived(entry)
  }

  /** The session has ended, and some of its messages are nowhere else: what is on disk stays. Of the others the senders know. */
  forget(session: ClientSession): void {
    const handed = this.#handed.get(session)
    this.#handed.delete(session)
    for (const { entry } of handed ?? []) if (entry.state !== 'stored') this.#arrived(entry)
  }

  /** What this session was handed and has not got, in order. */
  missing(session: ClientSession): Entry[] {
    this.#look(session)
    return (this.#handed.get(session) ?? []).map(({ entry }) => entry)
  }

  /** Resolves when there is room for more. */
  whenRoom(): Promise<void> {
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /** Resolves when nothing is on its way to the disk, or nothing gets there. */
  async whenQuiet(): Promise<void> {
    while ((this.#isScheduled || this.#waiting.length > 0 || this.#writing > 0) && !this.isFailing) await this.#nextTurn()
  }

  /** Removes the rows of all that has arrived. */
  async clear(): Promise<void> {
    this.#lookAtAll()
    await this.#removing
    await this.#remove()
  }

  /** What the next version of the plugin has to know: rows of messages that have not arrived. */
  stored(): { readonly session: ClientSession; readonly receipt: number; readonly journalID: number }[] {
    return [...this.#handed].flatMap(([session, handed]) =>
      handed.flatMap(({ entry, receipt }) => (entry.state === 'stored' ? [{ session, receipt, journalID: entry.journalID }] : [])),
    )
  }

  /** A row that the version before wrote. */
  adopt(session: ClientSession | undefined, receipt: number, journalID: number): void {
    if (!session) this.#removable.push(journalID)
    else {
      const entry = new Entry(session.jid.local, '', '', session, new EntryBatch())
      entry.journalID = journalID
      entry.state = 'stored'
      entry.settle()
      entry.recipients = 1
      this.#handed.set(session, [...(this.#handed.get(session) ?? []), { entry, receipt }])
    }
    this.#ticking ??= this.#timers.every(TICK_MS, () => this.#tick())
  }

  #openBatch(): EntryBatch {
    if (this.#batch.isOver) this.#batch = new EntryBatch()
    return this.#batch
  }

  #enter(session: ClientSession, xml: string, batch: EntryBatch): Entry {
    const entry = new Entry(session.jid.local, dateColumn(Date.now()), xml, session, batch)
    this.#characters += xml.length
    this.#waiting.push(entry)
    return entry
  }

  #note(entry: Entry, session: ClientSession, receipt: number): void {
    entry.recipients++
    const handed = this.#handed.get(session)
    if (handed) handed.push({ entry, receipt })
    else this.#handed.set(session, [{ entry, receipt }])
    this.#ticking ??= this.#timers.every(TICK_MS, () => this.#tick())
  }

  get #mayWrite(): boolean {
    return this.#writing === 0 && !this.#pause
  }

  #schedule(): void {
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  /** The sockets were written. */
  readonly #turn = (): void => {
    this.#isScheduled = false
    // TLS takes a turn more; what is left after that is with a client that reads slowly.
    for (const { session, receipt, xml, batch } of this.#unwritten(this.#older)) {
      this.#note(this.#enter(session, xml, batch), session, receipt)
      batch.closed() // counted with its entry from now on
    }
    this.#older = this.#unwritten(this.#fresh)
    this.#fresh = []
    if (this.#mayWrite) this.#write()
    else if (this.#batch.isUsed) this.#batch = new EntryBatch()
    if (this.#older.length > 0) this.#schedule()
  }

  #unwritten(messages: readonly InSocket[]): InSocket[] {
    const left: InSocket[] = []
    for (const one of messages) {
      if (one.session.arrived >= one.receipt) one.batch.closed()
      else left.push(one)
    }
    return left
  }

  /** One write at a time: what comes meanwhile, less what arrives meanwhile, goes with the next. */
  #write(): void {
    const due = this.#unarrived(this.#waiting)
    this.#waiting = []
    if (this.#batch.isUsed) this.#batch = new EntryBatch()
    if (due.length > 0) this.#append(due)
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

  #append(entries: readonly Entry[]): void {
    this.#writing = entries.length
    const refused = new Set<object>()
    const noteRefused = (error: unknown, row: object) => {
      if (refused.size === 0) this.#log.error({ error, messages: entries.length }, 'messages could not be written to the journal; it tries again')
      refused.add(row)
    }
    const writes: Promise<void>[] = []
    for (const entry of entries) {
      entry.state = 'writing'
      writes.push(this.#store.append(entry, noteRefused))
    }
    const transactions = [...new Set(writes)]
    void Promise.allSettled(transactions).then((outcomes) => {
      const failed = new Set(transactions.filter((_, at) => outcomes[at]?.status === 'rejected'))
      const isStored = (entry: Entry, at: number) => !failed.has(writes[at] as Promise<void>) && !refused.has(entry)
      this.#settled(
        entries.filter(isStored),
        entries.filter((entry, at) => !isStored(entry, at)),
      )
    })
  }

  #settled(stored: readonly Entry[], refused: readonly Entry[]): void {
    this.#writing = 0
    for (const entry of stored) {
      entry.state = 'stored'
      this.#characters -= entry.stanza.length
      entry.settle()
      if (entry.hasArrived) this.#removable.push(entry.journalID)
    }
    if (refused.length > 0) this.#tryAgain(refused)
    else this.#write()
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
    while (count < handed.length && (handed[count] as Handed).receipt <= arrived) this.#arrived((handed[count++] as Handed).entry)
    if (count === handed.length) this.#handed.delete(session)
    else if (count > 0) handed.splice(0, count)
  }

  #arrived(entry: Entry): void {
    entry.recipients--
    if (!entry.hasArrived) return
    if (entry.state === 'waiting') entry.state = 'done'
    else if (entry.state === 'stored') this.#removable.push(entry.journalID)
    entry.settle()
    if (this.#removable.length >= REMOVED_AT_ONCE) void this.#remove()
  }

  async #tick(): Promise<void> {
    this.#lookAtAll()
    await this.#remove()
    if (this.#handed.size > 0 || this.#removable.length > 0 || this.#writing > 0) return
    this.#ticking?.cancel()
    this.#ticking = undefined
  }

  #remove(): Promise<void> {
    if (this.#removing || this.#removable.length === 0) return this.#removing ?? Promise.resolve()
    const ids = this.#removable
    this.#removable = []
    this.#removing = this.#store
      .remove(ids)
      .catch((error: unknown) => {
        this.#log.warn({ error, rows: ids.length }, 'rows of messages that have arrived could not be removed from the journal yet')
        this.#removable = [...ids, ...this.#removable]
      })
      .finally(() => {
        this.#removing = undefined
      })
    return this.#removing
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve))
  }
}
