/**
 * Bytes of an XMPP stream to its header, stanzas and other elements: strict XML 1.0 with namespaces, the restrictions of RFC 6120
 * §11, and limits that are counted in bytes before they are tokenised. How the bytes were cut makes no difference.
 */
import { type Element, NS, type Stanza, stanzaFrom } from '@beaconfire/plugin-sdk'
import type { SaxesTagNS } from 'saxes'
import { StreamError } from '../stream/stream-error.js'
import { ElementBuilder } from './element-builder.js'
import { PLAIN_END, PLAIN_ROOT, plainHeader } from './plain-header.js'
import { PlainReader, type PlainReaderEvents } from './plain-reader.js'
import { Tokenizer } from './tokenizer.js'
import { Utf8Decoder } from './utf8-decoder.js'
import { endOfSpace, isSpace, withoutLeadingSpace } from './white-space.js'

export interface ParserLimits {
  /** Bytes of one child of the stream, or of the stream header with the XML declaration. White space between does not count. */
  readonly stanzaBytes: number
  /** Elements in each other, the stanza itself being the first. */
  readonly depth: number
  /** Attributes of one element, namespace declarations among them. */
  readonly attributes: number
}

export interface StreamHeader {
  /** Local name of the root; `stream` unless the peer is wrong. */
  readonly name: string
  /** Namespace of the root, '' when it has none. */
  readonly namespace: string
  /** The default namespace that the root declares, '' when none. */
  readonly contentNamespace: string
  /** The root's attributes without namespace declarations. Has no prototype. */
  readonly attributes: Readonly<Record<string, string | undefined>>
}

/** What a stream consists of. A method may throw: {@link StreamParser.write} then throws the same, and the parser is dead. */
export interface StreamParserEvents {
  streamOpen(header: StreamHeader): void
  /** A message, presence or iq in the content namespace. */
  stanza(stanza: Stanza): void
  /** Any other child of the root; `getNS()` gives its namespace. */
  element(el: Element): void
  streamClose(): void
}

const NO_BYTES = new Uint8Array(0)
/** Given to the tokenizer one by one, as what follows may be of the plain form again; more are given to it with all that was read with them. */
const MOST_TAGS = 16
/** Thrown through the tokenizer to end it in mid-chunk. */
const STOPPED = new Error('stopped')

/** Parses one XML document; a restarted stream (RFC 6120 §4.3.3) needs a new parser. */
export class StreamParser implements PlainReaderEvents {
  readonly #events: StreamParserEvents
  readonly #limits: ParserLimits
  readonly #decoder = new Utf8Decoder()
  /** Made for the first text that is not of the plain form, which on most streams never comes: an idle one is the smaller for it. */
  #tokenizer: Tokenizer | undefined
  /** Set from the header on, once there is a tokenizer. */
  #builder: ElementBuilder | undefined
  /** The tokenizer is told what was read before it was made. */
  #isCatchingUp = false
  #isStopped = false
  /** Set where stanzas of the plain form may come: the content namespace is the clients'. */
  #plain: PlainReader | undefined
  #failure: Error | undefined
  /** Open elements, the root being the first. */
  #depth = 0
  /** What the tokenizer is reading. */
  #piece = ''
  /** Characters given to it before. */
  #written = 0
  /** Where, in characters, the last child of the root or its start tag ended; -1 when none did in the present piece. */
  #boundary = -1
  /** Bytes since then, without leading white space. */
  #pendingBytes = 0
  /** Nothing but white space came since then. */
  #isBetween = false

  constructor(events: StreamParserEvents, limits: ParserLimits) {
    this.#events = events
    this.#limits = limits
  }

  /**
   * @throws StreamError what the peer did wrong; every later call throws the same:
   * - `not-well-formed`: also an unbound prefix, XML other than 1.0, anything but white space after the end
   * - `restricted-xml`: a comment, processing instruction, DOCTYPE, entity other than the five, misplaced XML declaration (§11.1)
   * - `unsupported-encoding`: declared, or bytes that are no UTF-8 (§4.9.3.22)
   * - `bad-format`: text between stanzas
   * - `policy-violation`: a limit was reached (§4.9.3.14)
   */
  write(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isStopped) return
    try {
      this.#take(chunk)
    } catch (error) {
      if (error === STOPPED) return
      this.#failure = error as Error
      this.#tokenizer = undefined
      throw error
    }
  }

  /** Drops all that comes from now on, the rest of the chunk being parsed included; for restarts (§5.4.3.3). May be called in an event. */
  stop(): void {
    this.#isStopped = true
    this.#tokenizer = undefined
    this.#plain = undefined
  }

  /** @internal also from the reader of the plain form */
  stanza(stanza: Stanza): void {
    this.#events.stanza(stanza)
    this.#checkStopped()
  }

  /** @internal likewise */
  element(el: Element): void {
    this.#events.element(el)
    this.#checkStopped()
  }

  #take(chunk: Uint8Array): void {
    let rest = this.#withoutKeepAlive(chunk)
    while (rest.length > 0) {
      const room = this.#limits.stanzaBytes - this.#pendingBytes
      if (room <= 0) throw new StreamError('policy-violation', `A stanza may have ${this.#limits.stanzaBytes} bytes at most.`)
      const length = Math.min(rest.length, room)
      this.#tokenize(length === rest.length ? rest : rest.subarray(0, length))
      rest = length === rest.length ? NO_BYTES : this.#withoutKeepAlive(rest.subarray(length))
    }
  }

  /** White space keeps connections alive (§4.6.1): it must not add up, neither to a limit nor in the tokenizer. */
  #withoutKeepAlive(bytes: Uint8Array): Uint8Array {
    return this.#isBetween && this.#decoder.carriedBytes === 0 ? withoutLeadingSpace(bytes) : bytes
  }

  #tokenize(piece: Uint8Array): void {
    const decoded = this.#decoder.decode(piece)
    if (this.#isAtStart && decoded.charCodeAt(0) === 0xfeff) throw new StreamError('not-well-formed', 'no byte order mark is allowed')
    const isAscii = decoded.length === piece.length
    const text = this.#begun + decoded
    let past = this.#isAtStart ? this.#readHeader(text) : 0
    if (this.#begun !== '') past = this.#readMorePlain(text, decoded)
    else if (this.#isBetween) past = this.#readPlain(text, past)
    this.#tokenizeRest(text, past, piece.length, isAscii)
    if (this.#decoder.isBroken) throw new StreamError('unsupported-encoding', 'the stream is not UTF-8')
  }

  /** What is begun of an element of the plain form, which is not for the tokenizer. */
  get #begun(): string {
    return this.#plain?.begun ?? ''
  }

  /** What is not of the plain form, tag by tag to where it is that again. */
  #tokenizeRest(text: string, past: number, bytes: number, isAscii: boolean): void {
    let boundary = past > 0 ? past : -1
    let isBetween = this.#isBetween || past > 0
    let at = past
    for (let tags = 0; at < text.length && this.#begun === ''; tags++) {
      if (isBetween) this.#checkBetween(text.charCodeAt(at))
      const end = this.#plain && tags < MOST_TAGS ? endOfTag(text, at) : text.length
      const found = this.#strictly(text.slice(at, end))
      isBetween = found !== -1
      if (isBetween) boundary = at + found
      at = end
      if (boundary === end) at = boundary = this.#readPlain(text, end)
    }
    if (boundary !== -1) this.#measureRest(text, boundary, isAscii)
    else {
      this.#pendingBytes += bytes
      this.#isBetween &&= text === ''
    }
  }

  /** Nothing has been read but white space that counts for nothing. */
  get #isAtStart(): boolean {
    return this.#depth === 0 && this.#written === 0 && !this.#isBetween
  }

  /** Hands text to the tokenizer. @returns where in it the last child of the root ended; -1 when none did */
  #strictly(text: string): number {
    this.#tokenizer ??= this.#caughtUp()
    const before = this.#written
    this.#boundary = -1
    this.#piece = text
    this.#tokenizer.write(text)
    this.#piece = ''
    this.#written += text.length
    return this.#boundary === -1 ? -1 : this.#boundary - before
  }

  /** A tokenizer that knows of the plain header that was read without it, and of its end. */
  #caughtUp(): Tokenizer {
    const tokenizer = new Tokenizer({
      openTag: (tag) => this.#openTag(tag),
      closeTag: () => this.#closeTag(),
      text: (value) => this.#text(value),
      fault: (fault) => this.#refine(fault),
    })
    if (this.#plain) {
      const past = this.#depth === 0 ? PLAIN_ROOT + PLAIN_END : PLAIN_ROOT
      this.#builder = new ElementBuilder(NS.client)
      this.#isCatchingUp = true
      tokenizer.write(past)
      this.#isCatchingUp = false
      this.#written = past.length
    }
    return tokenizer
  }

  /** Reads a header of the plain form. @returns how much of the text that was */
  #readHeader(text: string): number {
    const plain = plainHeader(text, this.#limits.attributes)
    if (!plain) return 0
    this.#depth = 1
    this.#isBetween = true
    this.#plain = new PlainReader(this, this.#limits)
    this.#events.streamOpen(plain.header)
    this.#checkStopped()
    return plain.end
  }

  /** @returns where in the text ends what is of the plain form, between stanzas */
  #readPlain(text: string, from: number): number {
    return this.#plain && this.#depth === 1 ? this.#readEnd(text, this.#plain.read(text, from)) : from
  }

  #readMorePlain(text: string, part: string): number {
    const past = (this.#plain as PlainReader).goOn(text, part)
    return this.#begun === '' ? this.#readEnd(text, past) : past
  }

  /** The end of a root whose header was plain. @returns where in the text it ends; `at` when it is not there */
  #readEnd(text: string, at: number): number {
    if (this.#tokenizer || !text.startsWith(PLAIN_END, at)) return at
    this.#depth = 0
    this.#events.streamClose()
    this.#checkStopped()
    return at + PLAIN_END.length
  }

  /** What follows the last boundary counts for the stanza that it begins. */
  #measureRest(text: string, boundary: number, isAscii: boolean): void {
    const from = endOfSpace(text, boundary)
    this.#checkBetween(text.charCodeAt(from))
    this.#isBetween = from === text.length
    this.#pendingBytes = (isAscii ? text.length - from : Buffer.byteLength(text.slice(from))) + this.#decoder.carriedBytes
  }

  /** The tokenizer would report text only with the next tag. A reference may be one to white space. */
  #checkBetween(code: number): void {
    if (this.#depth === 1 && code >= 0x20 && code !== 0x3c && code !== 0x26) throw textOutside()
  }

  /** Text between stanzas comes before what the tokenizer found in it. */
  #refine(fault: StreamError): StreamError {
    if (this.#boundary !== -1) this.#checkBetween(this.#piece.charCodeAt(endOfSpace(this.#piece, this.#boundary - this.#written)))
    return fault
  }

  #openTag(tag: SaxesTagNS): void {
    if (this.#isCatchingUp) return
    const { attributes, depth } = this.#limits
    let count = 0
    for (const _ in tag.attributes) count++
    if (count > attributes) throw new StreamError('policy-violation', `An element may have ${attributes} attributes at most.`)
    if (this.#depth > depth) throw new StreamError('policy-violation', `Elements may stand ${depth} deep in each other at most.`)
    this.#depth++
    if (this.#builder) {
      this.#builder.open(tag)
      return
    }
    const header = headerOf(tag)
    this.#builder = new ElementBuilder(header.contentNamespace)
    if (header.contentNamespace === NS.client) this.#plain = new PlainReader(this, this.#limits)
    this.#markBoundary()
    this.#events.streamOpen(header)
    this.#checkStopped()
  }

  #closeTag(): void {
    if (this.#isCatchingUp) return
    this.#depth--
    if (this.#depth === 0) {
      this.#markBoundary()
      this.#events.streamClose()
      this.#checkStopped()
      return
    }
    const el = this.#builder?.close()
    if (!el) return
    this.#markBoundary()
    if (this.#builder?.isStanza) this.stanza(stanzaFrom(el))
    else this.element(el)
  }

  #text(value: string): void {
    if (this.#depth > 1) this.#builder?.text(value)
    else if (this.#depth === 1) {
      // Outside the root the tokenizer complains by itself.
      for (let i = 0; i < value.length; i++) if (!isSpace(value.charCodeAt(i))) throw textOutside()
    }
  }

  #markBoundary(): void {
    if (this.#tokenizer) this.#boundary = this.#tokenizer.position
  }

  #checkStopped(): void {
    if (this.#isStopped) throw STOPPED
  }
}

function textOutside(): StreamError {
  return new StreamError('bad-format', 'text between stanzas')
}

function headerOf(tag: SaxesTagNS): StreamHeader {
  const attributes: Record<string, string> = Object.create(null)
  for (const name in tag.attributes) {
    const attribute = tag.attributes[name]
    if (attribute !== undefined && name !== 'xmlns' && attribute.prefix !== 'xmlns') attributes[name] = attribute.value
  }
  return { name: tag.local, namespace: tag.uri, contentNamespace: tag.ns[''] ?? '', attributes }
}

/** @returns behind the next tag, or the end where none ends */
function endOfTag(text: string, from: number): number {
  const at = text.indexOf('>', from)
  return at === -1 ? text.length : at + 1
}
