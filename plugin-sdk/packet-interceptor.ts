/** The interceptor contract (design §2): every stanza passes the chain before and after the server acts on it. */
import type { MaybePromise } from './maybe-promise.js'
import type { Session } from './session.js'
import type { Stanza, StanzaKind } from './stanza.js'
import type { StanzaErrorCondition } from './stanza-error.js'

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
   */
  hold(durable: Promise<unknown>): void
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

export interface PacketInterceptor {
  /** Unique in its plugin; shown as `plugin/name`. */
  readonly name: string
  readonly band: Band
  readonly when?: InterceptorFilter
  /** Registers for one user only, by username: the owner of `session`. Runs after the global interceptors of its band. */
  readonly user?: string
  /** What happens to the stanza when this throws anything but {@link PacketRejected}, or runs out of time. Default `open`: it goes on. */
  readonly onError?: 'open' | 'closed'
  /** Time one call may take, in ms; 1000 unless given. An asynchronous call is given up then, a synchronous one is counted. */
  readonly budget?: number
  /** @throws PacketRejected to refuse the packet, while `processed` is false */
  interceptPacket(crossing: Crossing): MaybePromise<void>
}

export interface RejectionDetails {
  /** Condition of the stanza error that answers the sender; `not-allowed` unless given. */
  readonly condition?: StanzaErrorCondition
  /** Text of that error, shown to the sender. */
  readonly text?: string
  /** True: no answer at all. */
  readonly silent?: boolean
}

/** Thrown by an interceptor that refuses a packet. At `incoming: true` the sender is answered, at `incoming: false` it is logged and counted. */
export class PacketRejected extends Error {
  override readonly name = 'PacketRejected'
  readonly condition: StanzaErrorCondition
  readonly text: string | undefined
  readonly silent: boolean

  constructor(details: RejectionDetails = {}) {
    super(details.text ?? 'packet rejected')
    this.condition = details.condition ?? 'not-allowed'
    this.text = details.text
    this.silent = details.silent ?? false
  }
}
