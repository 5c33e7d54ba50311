import type { Logger } from '@beaconfire/plugin-sdk'
import type { TurnBudget } from '../net/turn-budget.js'
import type { ParserLimits } from '../xml/stream-parser.js'
import type { XmppStream } from './xmpp-stream.js'

/** What all streams of a listener have in common. */
export interface StreamSettings {
  /** The local domain, in `from` of the header and expected in `to`. */
  readonly domain: string
  /** Serves streams that are opened to any other name as well, as for devices that know an address alone. */
  readonly acceptAnyHost?: boolean
  readonly limits: ParserLimits
  readonly log: Logger
  /** Of all streams together, for what came while a stanza was under way. */
  readonly catchUp: TurnBudget
  /** The connection is gone. */
  ended?(stream: XmppStream): void
}

/** What a stream may send until it is granted more. */
export interface Allowance {
  readonly bytes: number
  readonly stanzas: number
  /** Bytes in all since the stream began: more end it. */
  readonly total: number
}
