/** Stream errors (RFC 6120 §4.9): unrecoverable; the stream is closed after one was sent. */
import { type Element, element, NS, type StreamErrorCondition } from '@beaconfire/plugin-sdk'

/** What a peer did wrong on its stream, or why the server ends it. Thrown by the parser, limits and negotiation. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  constructor(
    readonly condition: StreamErrorCondition,
    /** Sent to the peer; never holds what the peer may not know. */
    readonly text?: string,
  ) {
    super(text ? `${condition}: ${text}` : condition)
  }

  toElement(): Element {
    return element(
      'stream:error',
      {},
      element(this.condition, { xmlns: NS.streamErrors }),
      this.text !== undefined && element('text', { xmlns: NS.streamErrors }, this.text),
    )
  }
}
