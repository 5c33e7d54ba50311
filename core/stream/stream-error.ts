/** Stream errors (RFC 6120 §4.9): unrecoverable; the stream is closed after one was sent. */
import { type Element, element, NS, type StreamErrorCondition } from '@beaconfire/plugin-sdk'

/** What a peer did wrong on its stream, or why the server ends it. Thrown by the parser, limits and negotiation. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  constructor(
    readonly condition: StreamErrorCondition,
    /** Sent to the peer; never holds what the peer may not know. */
    readonly text?: string,
    /** What stands in the condition: the other host for `see-other-host`. */
    readonly content?: string,
  ) {
    super(text ? `${condition}: ${text}` : condition)
  }

  /**
   * Sends the peer elsewhere (RFC 6120 §4.9.3.19).
   * @param host name or address, with `:port` where it is not 5222; an IPv6 address stands in brackets
   */
  static seeOtherHost(host: string): StreamError {
    return new StreamError('see-other-host', undefined, host)
  }

  toElement(): Element {
    return element(
      'stream:error',
      {},
      element(this.condition, { xmlns: NS.streamErrors }, this.content),
      this.text !== undefined && element('text', { xmlns: NS.streamErrors, 'xml:lang': 'en' }, this.text),
    )
  }
}
