/** The interceptor contract (design §2): every stanza passes the chain before and after the server acts on it. */
import type { Element } from './element.js'
import type { MaybePromise } from './maybe-promise.js'
import type { Session } from './session.js'
import type { Stanza, StanzaKind } from './stanza.js'
import type { StanzaErrorCondition, StanzaErrorType } from './stanza-error.js'

/** `guard` may reject, `transform` may rewrite, `observe` looks. Run in this order; in a band, by dependency, then by adding. */
export type Band = 'guard' | 'transform' | 'observe'

/**
 * One stanza meeting the chain.
 *
 * | | `processed: false` | `processed: true` |
 * |---|---|---|
 * | `incoming: true` | read from `session`, not yet routed: may be rewritten or rejected | routing is over, whatever came of it |
 * | `incoming: false` | about to be handed to `session`: this recipient's copy may be rewritten or rejected | handed over |
 */
export interface Crossing {
  /** The stanza; at `incoming: false` this recipient's own copy. Change it through its accessors. */
  readonly packet: Stanza
  /** The sender's session when incoming, the recipient's when not. */
  readonly session: Session
  readonly incoming: boolean
  readonly processed: boolean
  /**
   * The same object for every crossing of one routed stanza, whichever copy each recipient got: where a plugin notes, under a symbol
   * of its own, what must happen once however many resources a stanza reaches.
   */
  readonly routed: RoutedNotes
  /**
   * Holds the acknowledgement of the sender's stanza until `durable` settles (design §5). Call it synchronously.
   * A hold that rejects is answered to the sender with a stanza error; the rejection needs no other handler.
   * @param isCertain it never rejects: the stanza need not be kept in memory for the answer
   */
  hold(durable: Promise<unknown>, isCertain?: boolean): void
}

/** Notes of plugins on one routed stanza. */
export interface RoutedNotes {
  [note: symbol]: unknown
}

/** Narrows what an interceptor is called for. What does not match costs nothing. */
export interface InterceptorFilter {
  readonly stanza?: StanzaKind | readonly StanzaKind[]
  /** Values of the type accessor: `chat`, `normal`, `available`, `get`… */
  readonly type?: string | readonly string[]
  readonly incoming?: boolean
  readonly processed?: boolean
}

/** A failure is an error that is no {@link PacketRejected}, or a call that takes longer than the budget. */
export interface BreakerLimits {
  /** So many in a row open it. */
  readonly failures?: number
  /** Then, after so many ms, one stanza tries the interceptor again; the others go on without it until that one is through. */
  readonly retryAfter?: number
}

export interface PacketInterceptor {
  /** Unique in its plugin; shown as `plugin/name`. */
  readonly name: string
  readonly band: Band
  readonly when?: InterceptorFilter
  /** Registers for one user only, by username: the owner of `session`. Runs after the global interceptors of its band. */
  readonly user?: string
  /** True: it never changes a packet. Recipients of the same stanza can then go on sharing one copy, and its text. */
  readonly readOnly?: boolean
  /** What happens to the stanza when this throws anything but {@link PacketRejected}, or runs out of time. Default `open`: it goes on. */
  readonly onError?: 'open' | 'closed'
  /** Time one call may take, in ms; 1000 unless given. An asynchronous call is given up then, a synchronous one is counted. */
  readonly budget?: number
  /** When its circuit breaker leaves it out; unless given after 5 failures, for 10 s. */
  readonly breaker?: BreakerLimits
  /** @throws PacketRejected to refuse the packet, while `processed` is false */
  interceptPacket(crossing: Crossing): MaybePromise<void>
}

export interface RejectionDetails {
  /** Condition of the stanza error that answers the sender; `not-allowed` unless given. */
  readonly condition?: StanzaErrorCondition
  /** Text of that error, shown to the sender. */
  readonly text?: string
  /** True: no answer at all; at `incoming: false` it is no more than a line for debugging. */
  readonly silent?: boolean
  /** Overrides the type that RFC 6120 gives the condition. */
  readonly type?: StanzaErrorType
  /** Application-specific condition of that error (RFC 6120 §8.3.4). */
  readonly extension?: Element
}

/** Thrown by an interceptor that refuses a packet. At `incoming: true` the sender is answered, at `incoming: false` it is logged and counted. */
export class PacketRejected extends Error {
  override readonly name = 'PacketRejected'
  readonly condition: StanzaErrorCondition
  readonly text: string | undefined
  readonly silent: boolean
  readonly type: StanzaErrorType | undefined
  readonly extension: Element | undefined

  constructor(details: RejectionDetails = {}) {
    super(details.text ?? 'packet rejected')
    this.condition = details.condition ?? 'not-allowed'
    this.text = details.text
    this.silent = details.silent ?? false
    this.type = details.type
    this.extension = details.extension
  }
}
