/**
 * Stream management (XEP-0198) of one session: what it has handled, and what it was sent and has not acknowledged. Counters here
 * never wrap; on the wire they are taken modulo 2^32 (§4). A session that has not enabled it has none of this.
 */
import { type Element, element, NS, SessionEnded } from '@beaconfire/plugin-sdk'
import { behind, countIn, REQUEST, wireCount } from '../stream/management-elements.js'
import { StreamError } from '../stream/stream-error.js'

/** A stanza that was handed to the session. */
export interface Unacknowledged {
  readonly xml: string
  /** When it was handed over, in epoch milliseconds. */
  readonly at: number
  /** A stored copy stays until it is acknowledged: there is nothing to give back. */
  readonly isKept: boolean
  /** All sessions that got it, where there were several. */
  readonly others: readonly { readonly isOpen: boolean }[] | undefined
}

interface Waiter {
  /** Count of stanzas that must be acknowledged. */
  readonly until: number
  resolve(): void
  reject(error: Error): void
}

/** Acknowledged places at the front of the queue before it is cut. */
const CUT_AT = 256
/** A count that seems so far behind is one ahead. */
const FAR_BEHIND = 2 ** 31

export class StreamManagement {
  /** Stanzas of the client that have been handled. */
  handled = 0
  /** The least that the next acknowledgement must count for a request of the client to be answered by it; 0 while none is open. */
  owed = 0
  /** The value of `handled` when the client last asked and could not be told. */
  asked = 0
  /** When `<r/>` was sent that is not answered yet, by `performance.now()`; 0 when there is none. */
  requestedAt = 0
  #acknowledged: number
  #bytes = 0
  /** From `#first` on: what is not acknowledged, in order. */
  #queue: (Unacknowledged | undefined)[] = []
  #first = 0
  #waiters: Waiter[] = []
  /** Those who wait for room. */
  #held: (() => void)[] = []

  /**
   * @param id by which the session can be resumed; undefined when it cannot
   * @param seconds how long it may be without a connection
   * @param base what the session was handed before, so that its count goes on
   * @param acknowledged stanzas sent and acknowledged before
   */
  constructor(
    readonly id: string | undefined,
    readonly seconds: number,
    readonly base: number,
    acknowledged = 0,
  ) {
    this.#acknowledged = acknowledged
  }

  get sent(): number {
    return this.#acknowledged + this.unacknowledged
  }
  get acknowledged(): number {
    return this.#acknowledged
  }
  get unacknowledged(): number {
    return this.#queue.length - this.#first
  }
  /** UTF-16 units of what is not acknowledged. */
  get bytes(): number {
    return this.#bytes
  }

  add(stanza: Unacknowledged): void {
    this.#queue.push(stanza)
    this.#bytes += stanza.xml.length
  }

  /** The text that ends a write: a request, unless one is open or there is nothing to ask for. */
  request(now: number): string | undefined {
    if (this.requestedAt !== 0 || this.unacknowledged === 0) return undefined
    this.requestedAt = now
    return REQUEST
  }

  /** The connection is another one: what was asked on the old one will not be answered. */
  forgetRequest(): void {
    this.requestedAt = 0
  }

  /**
   * The client has handled stanzas up to `h`.
   * @returns true when that is news
   * @throws StreamError when `h` is none, or of more than was sent (§6)
   */
  acknowledge(h: string | undefined): boolean {
    const upTo = this.sent - this.#after(h)
    // Whatever it counts, it has answered: one that counts too little would else never be asked again.
    this.requestedAt = 0
    if (upTo <= this.#acknowledged) return false
    const count = upTo - this.#acknowledged
    for (let i = 0; i < count; i++) {
      this.#bytes -= this.#queue[this.#first]?.xml.length ?? 0
      this.#queue[this.#first++] = undefined
    }
    this.#acknowledged = upTo
    if (this.#first === this.#queue.length || this.#first >= CUT_AT) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
    this.#settle()
    return true
  }

  /** What is not acknowledged, in order. */
  pending(): Unacknowledged[] {
    return this.#queue.slice(this.#first) as Unacknowledged[]
  }

  /** Resolves when all that was handed over so far is acknowledged. @throws SessionEnded (rejects) when the session ends before */
  whenAcknowledged(): Promise<void> {
    if (this.unacknowledged === 0) return Promise.resolve()
    const until = this.sent
    return new Promise((resolve, reject) => this.#waiters.push({ until, resolve, reject }))
  }

  /** Resolves when something was acknowledged, or the session has ended. */
  whenRoom(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve))
  }

  /** The session has ended. @returns what nobody has acknowledged, in order */
  end(): Unacknowledged[] {
    const left = this.pending()
    this.#queue = []
    this.#first = 0
    this.#bytes = 0
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(new SessionEnded('the session ended before it had acknowledged everything'))
    this.#release()
    return left
  }

  /** How many sent stanzas come after the one that `h` names. */
  #after(h: string | undefined): number {
    const count = countIn(h)
    if (count === undefined) throw new StreamError('invalid-xml', 'An acknowledgement has an attribute h from 0 to 4294967295.')
    const { sent } = this
    const after = behind(sent, count)
    if (after <= sent && after < FAR_BEHIND) return after
    throw new HandledCountTooHigh(count, wireCount(sent))
  }

  #settle(): void {
    while (this.#waiters[0] && this.#waiters[0].until <= this.#acknowledged) this.#waiters.shift()?.resolve()
    this.#release()
  }

  #release(): void {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    for (const resolve of held) resolve()
  }
}

/** §6: the client acknowledges what it was never sent. */
class HandledCountTooHigh extends StreamError {
  readonly #handled: number
  readonly #sent: number

  constructor(handled: number, sent: number) {
    super('undefined-condition', `You acknowledged ${handled} stanzas, but I only sent you ${sent} so far.`)
    this.#handled = handled
    this.#sent = sent
  }

  override toElement(): Element {
    const attributes = { xmlns: NS.streamManagement, h: this.#handled, 'send-count': this.#sent }
    return super.toElement().cnode(element('handled-count-too-high', attributes)).up()
  }
}
