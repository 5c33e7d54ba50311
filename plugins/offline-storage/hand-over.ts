/** Hands a user's kept messages to a session of theirs: in order, as fast as it takes them. */
import {
  type ClientSession,
  isPromise,
  type Jid,
  type Logger,
  type MaybePromise,
  markKept,
  SessionEnded,
  type Sessions,
  type Timers,
} from '@beaconfire/plugin-sdk'
import type { Batch } from './batch.js'
import { isExpired, keptStanza } from './kept-stanza.js'
import type { MailboxSizes } from './mailbox-sizes.js'
import type { KeptMessage, OfflineStore } from './offline-store.js'
import { OnTheirWay } from './on-their-way.js'
import { Pace } from './pace.js'

const PAGE = 100
/** How long a session waits for another of its user, in ms: one that is lost without anybody noticing must not hold it up.
 *  After that both may get a message, which is better than neither. */
const PATIENCE_MS = 5000
/** Pause after the database has failed, in ms. */
const RETRY_MS = 3000
/** Unreadable rows that are remembered as logged. */
const MOST_UNREADABLE = 1000

export interface HandOverCollaborators {
  readonly store: Pick<OfflineStore, 'read' | 'remove' | 'whenIdle'>
  readonly sizes: Pick<MailboxSizes, 'forget'>
  readonly sessions: Pick<Sessions, 'ofUser'>
  readonly domain: Jid
  readonly log: Logger
  readonly timers: Timers
}

/** Kept messages that were read together. */
interface Page {
  /** Those that are for the session now. */
  readonly wanted: readonly KeptMessage[]
  /** Of the others, some are reserved for another session. */
  readonly isSomethingReserved: boolean
  readonly last: KeptMessage | undefined
  readonly isLast: boolean
}

export class HandOver {
  readonly onTheirWay: OnTheirWay
  readonly #with: HandOverCollaborators
  /** For each user the last one queued, so that two resources do not both get a message. */
  readonly #turns = new Map<string, Promise<void>>()
  /** The same for each session, which never overtakes itself. */
  readonly #own = new WeakMap<ClientSession, Promise<void>>()
  /** Sessions for which one is queued that has not begun, and will see whatever was kept until then. */
  readonly #queued = new WeakSet<ClientSession>()
  /** Sessions that help themselves (XEP-0013 §2): they are not flooded. */
  readonly #selfServed = new WeakSet<ClientSession>()
  readonly #unreadable = new Set<number>()

  constructor(collaborators: HandOverCollaborators) {
    this.#with = collaborators
    const { sessions } = collaborators
    this.onTheirWay = new OnTheirWay({
      ...collaborators,
      takers: (of) => sessions.ofUser(of).filter((it) => it.isOpen && it.isAvailable && it.priority >= 0),
      handOver: (session) => void this.to(session),
    })
  }

  doNotFlood(session: ClientSession): void {
    this.#selfServed.add(session)
  }

  /** Resolves when everything was handed over, and written where the session has no XEP-0198, or it has ended; never rejects. */
  to(session: ClientSession): Promise<void> {
    const { local } = session.jid
    const own = this.#own.get(session)
    if (own && this.#queued.has(session)) return own
    this.#queued.add(session)
    const turn = this.#inTurn(this.#turns.get(local), own, session).finally(() => {
      if (this.#turns.get(local) === turn) this.#turns.delete(local)
      if (this.#own.get(session) === turn) this.#own.delete(session)
    })
    this.#turns.set(local, turn)
    this.#own.set(session, turn)
    return turn
  }

  async #inTurn(before: Promise<void> | undefined, own: Promise<void> | undefined, session: ClientSession): Promise<void> {
    if (before) await this.#patiently(before)
    await own
    this.#queued.delete(session)
    if (this.#selfServed.has(session)) return
    try {
      await this.#handOverPages(session)
    } catch (error) {
      if (error instanceof SessionEnded) return // the rows are still there for the next session
      this.#with.log.error({ jid: session.jid.toString(), error }, 'kept messages could not be handed over; they stay, and it is tried again')
      this.#with.timers.after(RETRY_MS, () => (session.isOpen ? this.to(session) : undefined))
    }
  }

  /** Waits for `turn`, which never rejects, but not for ever. */
  #patiently(turn: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#with.timers.after(PATIENCE_MS, resolve)
      void turn.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /**
   * Page after page, until there is none: also what came in the meantime. A client that reads slowly is not sent more than it has room
   * for, as with a live session that would end it.
   * @throws SessionEnded; the database's error
   */
  async #handOverPages(session: ClientSession): Promise<void> {
    const pace = new Pace(session, (arrival) => this.#within(arrival, session))
    let page: Page | undefined
    let before: Batch | undefined
    let isSomethingReserved = false
    while (session.isAvailable && session.priority >= 0) {
      page = await this.#read(session, page?.last)
      isSomethingReserved ||= page.isSomethingReserved
      const batch = await this.#handOverPage(page, session, pace)
      if (!session.acknowledges) await batch.arrival
      if (page.isLast) break // what is kept from now on is looked for when it is on disk
      // Not the one that was just handed over: the last of what it got a client may never acknowledge.
      if (before) await this.#within(before.arrival, session)
      before = batch
    }
    if (isSomethingReserved) this.onTheirWay.awaits(session)
  }

  async #read(session: ClientSession, behind: KeptMessage | undefined): Promise<Page> {
    const { store } = this.#with
    await store.whenIdle()
    // Asked twice: what is removed in the meantime may have been read.
    const before = this.onTheirWay.notFor(session)
    const found = await store.read(session.jid.local, PAGE + 1, behind)
    const rows = found.slice(0, PAGE)
    const after = this.onTheirWay.notFor(session)
    const isReserved = ({ messageID }: KeptMessage) => after?.get(messageID) ?? before?.get(messageID)
    return {
      wanted: before || after ? rows.filter((it) => isReserved(it) === undefined) : rows,
      isSomethingReserved: (before || after) !== undefined && rows.some(isReserved),
      last: rows.at(-1),
      isLast: found.length <= PAGE, // one more was asked for, so that nobody has to look for a page that is not there
    }
  }

  async #handOverPage({ wanted }: Page, session: ClientSession, pace: Pace): Promise<Batch> {
    const batch = this.onTheirWay.begin(session)
    try {
      for (const kept of wanted) {
        while (!pace.take(kept.stanza.length)) await pace.room()
        const done = this.#handOver(kept, batch)
        if (done) await done
      }
    } finally {
      this.onTheirWay.complete(batch)
    }
    return batch
  }

  /** Waits until what was handed over has arrived; where it is acknowledged not for ever: some clients acknowledge less than they get. */
  #within(arrival: Promise<void>, session: ClientSession): Promise<void> {
    return session.acknowledges ? this.#patiently(arrival) : arrival
  }

  /** @throws SessionEnded */
  #handOver(kept: KeptMessage, batch: Batch): MaybePromise<void> {
    const { domain, log } = this.#with
    const { session } = batch
    const message = keptStanza(kept, domain)
    if (!message) {
      this.#keepUnreadable(kept, session)
    } else if (isExpired(message, kept.createdAt)) {
      log.info({ jid: session.jid.toString(), messageID: kept.messageID }, 'a kept message had expired and was dropped')
      batch.addUnneeded(kept.messageID)
    } else {
      const delivered = session.deliver(markKept(message))
      if (isPromise(delivered)) return delivered.then((isDelivered) => this.#handedOver(kept, batch, isDelivered))
      this.#handedOver(kept, batch, delivered)
    }
  }

  #handedOver({ messageID }: KeptMessage, batch: Batch, isDelivered: boolean): void {
    const { session } = batch
    if (isDelivered) {
      batch.add(messageID)
      return
    }
    if (!session.isOpen) throw new SessionEnded('the session ended during the hand-over')
    // An interceptor refused it, and would do so at every login: as with a live message, that is the end of it.
    this.#with.log.info({ jid: session.jid.toString(), messageID }, 'a kept message was refused by an interceptor and removed')
    batch.addUnneeded(messageID)
  }

  #keepUnreadable({ messageID }: KeptMessage, session: ClientSession): void {
    if (this.#unreadable.has(messageID)) return
    if (this.#unreadable.size >= MOST_UNREADABLE) this.#unreadable.clear()
    this.#unreadable.add(messageID)
    this.#with.log.warn({ jid: session.jid.toString(), messageID }, 'a row of ofOffline holds no message that can be read; it stays')
  }
}
