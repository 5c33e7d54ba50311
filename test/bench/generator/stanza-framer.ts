/**
 * Cuts a client's stream into stanzas by scanning bytes: depth of tags and quotes of attributes, nothing else. No XML parser,
 * so that the generator costs much less than the server it loads. It is right for what servers send to clients: elements,
 * attributes in either quote, empty elements, an XML declaration; CDATA and comments are not used on XMPP streams.
 */

const LT = 60
const GT = 62
const SLASH = 47
const QUOT = 34
const APOS = 39
const QUESTION_MARK = 63
const BANG = 33

export interface FramerEvents {
  /** A whole child of the stream element. */
  stanza(text: string): void
  /** `</stream:stream>` */
  streamEnd(): void
}

export class StanzaFramer {
  readonly #events: FramerEvents
  /** Bytes of an unfinished tag or stanza; undefined between stanzas, so that an idle connection holds nothing. */
  #pending: Buffer | undefined
  /** Where the scan goes on in `#pending` and what follows it. */
  #position = 0
  #depth = 0
  #inTag = false
  #quote = 0
  #tagStart = 0
  #stanzaStart = 0

  constructor(events: FramerEvents) {
    this.#events = events
  }

  /** The next start tag opens a new stream (RFC 6120 §4.3.3). Not to be called from an event. */
  reset(): void {
    this.#depth = 0
    this.#inTag = false
    this.#quote = 0
    this.#pending = undefined
  }

  /** The first `length` bytes of `chunk`, which may be overwritten after the call. */
  write(chunk: Buffer, length: number): void {
    let buffer = chunk
    let end = length
    let at = 0
    if (this.#pending) {
      const before = this.#pending.length
      end = before + length
      buffer = Buffer.allocUnsafe(end)
      this.#pending.copy(buffer, 0)
      chunk.copy(buffer, before, 0, length)
      at = this.#position
      this.#pending = undefined
    }
    this.#scan(buffer, at, end)
    this.#keepRest(buffer, end)
  }

  /** One long loop over locals: this runs for every byte received. */
  #scan(buffer: Buffer, from: number, end: number): void {
    let at = from
    let inTag = this.#inTag
    let quote = this.#quote
    while (at < end) {
      if (!inTag) {
        while (at < end && buffer[at] !== LT) at++
        if (at >= end) break
        this.#tagStart = at
        if (this.#depth === 1) this.#stanzaStart = at
        inTag = true
        at++
        continue
      }
      const byte = buffer[at]
      if (quote !== 0) {
        if (byte === quote) quote = 0
      } else if (byte === GT) {
        inTag = false
        this.#tagEnd(buffer, at)
      } else if (byte === QUOT || byte === APOS) quote = byte
      at++
    }
    this.#inTag = inTag
    this.#quote = quote
  }

  #tagEnd(buffer: Buffer, at: number): void {
    const kind = buffer[this.#tagStart + 1]
    if (kind === SLASH) {
      this.#depth--
      if (this.#depth === 1) this.#events.stanza(buffer.toString('latin1', this.#stanzaStart, at + 1))
      else if (this.#depth === 0) this.#events.streamEnd()
    } else if (kind !== QUESTION_MARK && kind !== BANG) {
      if (buffer[at - 1] !== SLASH) this.#depth++
      else if (this.#depth === 1) this.#events.stanza(buffer.toString('latin1', this.#stanzaStart, at + 1))
    }
  }

  #keepRest(buffer: Buffer, end: number): void {
    const keep = this.#depth > 1 ? this.#stanzaStart : this.#inTag ? this.#tagStart : end
    if (keep >= end) return
    this.#pending = Buffer.from(buffer.subarray(keep, end))
    this.#position = end - keep
    this.#tagStart -= keep
    this.#stanzaStart -= keep
  }
}
