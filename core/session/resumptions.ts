/** Sessions that can be resumed (XEP-0198 §5): by which id, until when without a connection, and what is known of those that ended. */
import { type Jid, TwoGenerationMap } from '@beaconfire/plugin-sdk'

/** A session as this sees it. */
export interface Resumable {
  readonly jid: Jid
  /** The time without a connection is over. */
  expire(): void
  /** Some of what the client waits to see acknowledged is not durable yet: what is, it may know now. */
  acknowledgePart(): void
}

const TICK_MS = 1000
/** Of ended sessions, twice as many at most. */
const ENDED_REMEMBERED = 20_000

export class Resumptions<S extends Resumable> {
  readonly #byId = new Map<string, S>()
  readonly #ended = new TwoGenerationMap<{ readonly account: string; readonly handled: number }>(ENDED_REMEMBERED)
  /** Sessions without a connection, and when their time is over, by `performance.now()`. */
  readonly #waiting = new Map<S, number>()
  readonly #owing = new Set<S>()
  /** One for all of them, while there are any. */
  #timer: NodeJS.Timeout | undefined

  /** How many wait without a connection. */
  get waiting(): number {
    return this.#waiting.size
  }

  add(id: string, session: S): void {
    this.#byId.set(id, session)
  }

  /** Only to the account it belongs to: an id that came into other hands is of no use there. */
  find(id: string, username: string): S | undefined {
    const session = this.#byId.get(id)
    return session?.jid.local === username ? session : undefined
  }

  /** Stanzas of the client's that were handled, of a session that has ended; undefined when it is not remembered. */
  handledBefore(id: string, username: string): number | undefined {
    const ended = this.#ended.get(id)
    return ended?.account === username ? ended.handled : undefined
  }

  /** The connection is gone; the session waits for another for so many seconds. Has no effect on one that waits already. */
  wait(session: S, seconds: number): void {
    if (this.#waiting.has(session)) return
    this.#waiting.set(session, performance.now() + seconds * 1000)
    this.#start()
  }

  isWaiting(session: S): boolean {
    return this.#waiting.has(session)
  }

  resumed(session: S): void {
    this.#waiting.delete(session)
  }

  /** The client is owed an acknowledgement, which is given in parts while the whole takes long. */
  owe(session: S): void {
    this.#owing.add(session)
    this.#start()
  }

  settled(session: S): void {
    this.#owing.delete(session)
  }

  ended(session: S, id: string | undefined, handled: number): void {
    this.#waiting.delete(session)
    this.#owing.delete(session)
    if (id === undefined) return
    this.#byId.delete(id)
    this.#ended.set(id, { account: session.jid.local, handled })
  }

  /** Ends all that wait without a connection. */
  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const session of [...this.#waiting.keys()]) session.expire()
  }

  #start(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#timer.unref()
  }

  #tick(): void {
    const now = performance.now()
    for (const [session, until] of this.#waiting) if (until <= now) session.expire()
    for (const session of this.#owing) session.acknowledgePart()
    if (this.#waiting.size > 0 || this.#owing.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
