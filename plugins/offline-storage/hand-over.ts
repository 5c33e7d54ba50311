/** Hands a user's kept messages to a session of theirs, and deletes each only after it was written or acknowledged (design §5). */
import { type ClientSession, type Jid, type Logger, markKept, SessionEnded, type Timers } from '@beaconfire/plugin-sdk'
import { isExpired, keptStanza } from './kept-stanza.js'
import type { MailboxSizes } from './mailbox-sizes.js'
import type { KeptMessage, OfflineStore } from './offline-store.js'

const PAGE = 100
/** Characters handed over before what was is waited for: below the least a session may leave unread (`limits.outboundBytes`). */
const MOST_UNREAD = 48 * 1024
/** How long a session waits for another of its user, in ms: one that is lost without anybody noticing must not hold it up.
 *  After that both may get a message, which is better than neither. */
const PATIENCE_MS = 5000
/** Pause after the database has failed, in ms. */
const RETRY_MS = 3000
/** Unreadable rows that are remembered as logged. */
const MOST_UNREADABLE = 1000
/** Rows that are remembered as handed over while they cannot be removed. */
const MOST_UNREMOVED = 100_000

export interface HandOverCollaborators {
  readonly store: OfflineStore
  readonly sizes: MailboxSizes
  readonly domain: Jid
  readonly log: Logger
  readonly timers: Timers
}

export class HandOver {
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
  /** Rows that are done with, and could not be removed yet: they are not handed over again. */
  readonly #unremoved = new Set<number>()

  constructor(collaborators: HandOverCollaborators) {
    this.#with = collaborators
  }

  doNotFlood(session: ClientSession): void {
    this.#selfServed.add(session)
  }

  /** Resolves when nothing is left for the user or the session has ended; never rejects. */
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
      await this.#empty(session)
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

  /** @throws SessionEnded when the session ended before all had arrived; the database's error */
  async #empty(session: ClientSession): Promise<void> {
    const arrivals: Promise<void>[] = []
    try {
      await this.#handOverPages(session, arrivals)
    } finally {
      await Promise.allSettled(arrivals)
    }
    await Promise.all(arrivals)
  }

  /**
   * Page after page, until there is none: also what came in the meantime. A client that reads slowly is not sent more than it has room
   * for, as with a live session that would end it.
   */
  async #handOverPages(session: ClientSession, arrivals: Promise<void>[]): Promise<void> {
    const { store } = this.#with
    const { local } = session.jid
    let behind: KeptMessage | undefined
    while (session.isAvailable && session.priority >= 0) {
      await store.whenIdle()
      const page = await store.read(local, PAGE, behind)
      const settled: number[] = []
      let unread = 0
      for (const kept of page) {
        unread += kept.stanza.length
        if (unread > MOST_UNREAD) {
          await this.#within(session.whenFlushed(), session)
          unread = kept.stanza.length
        }
        if (this.#unremoved.has(kept.messageID) || (await this.#handOver(kept, session))) settled.push(kept.messageID)
      }
      const arrival = settled.length > 0 ? handled(this.#removeOnArrival(session, local, settled)) : Promise.resolve()
      arrivals.push(arrival)
      if (page.length < PAGE) return // what is kept from now on is looked for when it is on disk
      behind = page.at(-1)
      await this.#within(arrival, session)
    }
  }

  /** Waits until what was handed over has arrived; where it is acknowledged not for ever: some clients acknowledge less than they get. */
  #within(arrival: Promise<void>, session: ClientSession): Promise<void> {
    return session.acknowledges ? this.#patiently(arrival.catch(() => {})) : arrival // a session that ended is told by what is done next
  }

  async #removeOnArrival(session: ClientSession, local: string, messageIDs: readonly number[]): Promise<void> {
    await session.whenFlushed()
    await this.#remove(local, messageIDs)
    this.#with.sizes.forget(local)
  }

  async #remove(username: string, messageIDs: readonly number[]): Promise<void> {
    try {
      await this.#with.store.remove(username, messageIDs)
    } catch (error) {
      if (this.#unremoved.size < MOST_UNREMOVED) for (const it of messageIDs) this.#unremoved.add(it)
      throw error
    }
    for (const it of messageIDs) this.#unremoved.delete(it)
  }

  /**
   * @returns true when the row is done with, false when it cannot be read and stays
   * @throws SessionEnded
   */
  async #handOver(kept: KeptMessage, session: ClientSession): Promise<boolean> {
    const message = keptStanza(kept, this.#with.domain)
    if (!message) return this.#keepUnreadable(kept, session)
    if (isExpired(message, kept.createdAt)) {
      this.#with.log.info({ jid: session.jid.toString(), messageID: kept.messageID }, 'a kept message had expired and was dropped')
      return true
    }
    if (await session.deliver(markKept(message))) return true
    if (!session.isOpen) throw new SessionEnded('the session ended during the hand-over')
    // An interceptor refused it, and would do so at every login: as with a live message, that is the end of it.
    this.#with.log.info({ jid: session.jid.toString(), messageID: kept.messageID }, 'a kept message was refused by an interceptor and removed')
    return true
  }

  #keepUnreadable({ messageID }: KeptMessage, session: ClientSession): false {
    if (this.#unreadable.has(messageID)) return false
    if (this.#unreadable.size >= MOST_UNREADABLE) this.#unreadable.clear()
    this.#unreadable.add(messageID)
    this.#with.log.warn({ jid: session.jid.toString(), messageID }, 'a row of ofOffline holds no message that can be read; it stays')
    return false
  }
}

/** A promise whose rejection somebody will look at later. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
