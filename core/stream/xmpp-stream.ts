/**
 * One XML stream (RFC 6120 §4): its header, restarts, order and end. What is said on it is the business of its phase.
 * Stanzas are handled one after the other: while one is under way nothing more is read. Streams take turns: what there is no time for
 * in this turn of the event loop waits for one of the next.
 */
import { randomUUID } from 'node:crypto'
import { type Element, element, iq, isPromise, NS, type Stanza } from '@beaconfire/plugin-sdk'
import type { Transport, TransportEvents } from '../net/transport.js'
import type { Postponed } from '../net/turn-budget.js'
import { openingTag } from '../xml/stream-header.js'
import { type StreamHeader, StreamParser, type StreamParserEvents } from '../xml/stream-parser.js'
import { PIECE, piecesOf } from './read-pieces.js'
import { StreamError } from './stream-error.js'
import { assertServed, openingOf } from './stream-opening.js'
import { ABANDONED, type StreamPhase } from './stream-phase.js'
import type { Allowance, StreamSettings } from './stream-settings.js'

/** The language of what the server writes. */
const LANGUAGE = 'en'
/** What is read ahead of a stanza under way, for the sake of what is urgent. */
const MOST_AHEAD = 100

/** How long the end of a lost connection waits for the stanza that is being handled, in ms. */
const FINISH_LIMIT_MS = 10_000

export class XmppStream implements StreamParserEvents, TransportEvents, Postponed {
  /** The same for as long as the connection lasts. */
  readonly id: string = randomUUID()
  readonly transport: Transport
  /** What the peer's stanzas are in where they do not say it themselves (RFC 6120 §8.1.5). */
  lang: string | undefined
  #headerId = this.id
  /** Bare JID the peer said it is, for `to` of the answer. */
  #peer: string | undefined
  readonly openedAt = performance.now()
  lastActivity = this.openedAt
  #bytesRead = 0
  #stanzasRead = 0
  #mayReadBytes = Number.POSITIVE_INFINITY
  #mayReadStanzas = Number.POSITIVE_INFINITY
  #mayReadInAll = Number.POSITIVE_INFINITY
  #isProbed = false
  /** Reading was stopped because the peer sends faster than it may. */
  #isThrottled = false
  readonly #settings: StreamSettings
  #phase: StreamPhase
  #parser: StreamParser
  #isBusy = false
  /** What was parsed, or read, while a stanza was under way; what is left of a long read. */
  readonly #waiting: (Stanza | Element | Error)[] = []
  #unread: Uint8Array[] = []
  #peerClosed = false
  #headerSent = false
  /** This side has ended the stream: nothing more is handled. */
  #isClosing = false
  /** The connection is gone: nothing more is written, what was read is still handled. */
  #isClosed = false
  #isFinished = false
  /** Who waits for the stanza under way. */
  #whenIdle: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  /** @param phase is made with the stream in hand */
  constructor(transport: Transport, settings: StreamSettings, phase: (stream: XmppStream) => StreamPhase) {
    this.transport = transport
    this.#settings = settings
    this.#parser = new StreamParser(this, settings.limits)
    this.#phase = phase(this)
    transport.bind(this)
  }

  /** True while what is sent may still reach the peer. */
  get isOpen(): boolean {
    return !this.#isClosing && !this.#isClosed && this.transport.isOpen
  }

  get phase(): StreamPhase {
    return this.#phase
  }

  /** `id` of the last stream header sent: a new one after each restart (RFC 6120 §4.3.3). */
  get headerId(): string {
    return this.#headerId
  }

  /** From now on another phase is responsible, without a restart. */
  enter(phase: StreamPhase): void {
    this.#phase = phase
    this.#mayReadInAll = Number.POSITIVE_INFINITY
    if (this.#isClosing) phase.closed(false) // the one before was told; this one must not go on without its stream
  }

  /**
   * Expects a new stream header, as after STARTTLS and SASL (RFC 6120 §4.3.3). What the peer sent ahead of it is dropped: it must
   * not count as said after the change (§5.4.3.3).
   */
  restart(): void {
    this.#headerSent = false
    this.#headerId = randomUUID()
    this.#waiting.length = 0
    this.#unread = []
    this.#parser.stop()
    this.#parser = new StreamParser(this, this.#settings.limits)
  }

  send(xml: string): void {
    if (!this.#isClosed && !this.#isClosing) this.transport.write(xml)
  }

  /** True when the peer has sent all it may until the next {@link grant}. */
  get isThrottled(): boolean {
    return this.#isThrottled
  }

  /** Renews what the peer may send; a peer that had used it all up is read again. */
  grant(allowance: Allowance): void {
    this.#mayReadBytes = this.#bytesRead + allowance.bytes
    this.#mayReadStanzas = this.#stanzasRead + allowance.stanzas
    this.#mayReadInAll = allowance.total
    if (!this.#isThrottled) return
    this.#isThrottled = false
    if (!this.#isBusy) this.transport.resume()
  }

  /** Asks a silent peer for a sign of life (XEP-0199), once until it gives one. */
  probe(): void {
    if (this.#isProbed) return
    this.#isProbed = true
    if (this.#phase.probe?.()) return
    this.send(iq({ type: 'get', id: randomUUID(), from: this.#settings.domain }, element('ping', { xmlns: NS.ping })).toString())
  }

  /**
   * Ends the stream, but not its session, which goes on elsewhere. What was read and not handled is dropped. Resolves when the stanza
   * under way is handled, which may be long after the end of the connection.
   */
  abandon(error: StreamError): Promise<void> {
    this.#phase = ABANDONED
    this.#waiting.length = 0
    this.#unread = []
    this.close(error)
    if (!this.#isBusy) return Promise.resolve()
    if (!this.#whenIdle) {
      let resolve = () => {}
      const promise = new Promise<void>((settle) => {
        resolve = settle
      })
      this.#whenIdle = { promise, resolve }
    }
    return this.#whenIdle.promise
  }

  /** Ends the stream from this side: error, closing tag, end of the connection. */
  close(error?: StreamError): void {
    if (this.#isClosing || this.#isClosed) return
    if (error) {
      this.#sendHeader() // an error needs an open stream (RFC 6120 §4.9.1.2)
      this.transport.write(error.toElement().toString())
      this.#settings.log.info(
        { streamId: this.id, address: this.transport.remoteAddress, condition: error.condition, text: error.text },
        'stream ended with an error',
      )
    }
    this.#isClosing = true
    this.#parser.stop()
    if (this.#headerSent) this.transport.write('</stream:stream>')
    this.transport.end()
    // The session is over now, not when the peer has let go of the connection. A silent one may come back.
    this.#phase.closed(error?.condition === 'connection-timeout')
  }

  // --- from the transport: methods, for functions made for each stream would be kept by each idle session

  data(chunk: Uint8Array): void {
    this.lastActivity = performance.now()
    this.#isProbed = false
    this.#bytesRead += chunk.length
    if (this.#isClosing || this.#isClosed) return
    if (this.#bytesRead > this.#mayReadInAll) {
      this.close(new StreamError('policy-violation', 'Too much was sent before logging in.'))
      return
    }
    if (this.#bytesRead > this.#mayReadBytes || this.#stanzasRead > this.#mayReadStanzas) this.#throttle()
    if (!this.#isBusy && chunk.length <= PIECE) {
      this.#parse(chunk)
      return
    }
    for (const piece of piecesOf(chunk)) this.#unread.push(piece)
    if (!this.#isBusy) this.run()
    if (this.#isBusy) this.#readAhead()
  }

  closed(error: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#settings.ended?.(this)
    if (error && !this.#isClosing) this.#settings.log.debug({ streamId: this.id, error: error.message }, 'connection lost')
    if (!this.#isBusy) this.#finish()
    else setTimeout(() => this.#finish(), FINISH_LIMIT_MS).unref()
  }

  flushing(): string | undefined {
    return this.#isClosing ? undefined : this.#phase.flushing?.()
  }

  // --- from the parser

  streamOpen(header: StreamHeader): void {
    const { lang, peer } = openingOf(header)
    this.lang = lang ?? this.lang
    this.#peer = peer
    assertServed(header, this.#settings)
    this.#sendHeader()
    this.sendFeatures()
  }

  sendFeatures(): void {
    const features = this.#phase.features()
    this.send(features === '' ? '<stream:features/>' : `<stream:features>${features}</stream:features>`)
  }

  stanza(stanza: Stanza): void {
    this.#stanzasRead++
    this.#take(stanza)
  }

  element(el: Element): void {
    this.#take(el)
  }

  streamClose(): void {
    this.#peerClosed = true
    if (!this.#isBusy) this.close()
  }

  // --- in order

  /** Where something may be urgent it is looked for, as far as what has to wait stays little. */
  #readAhead(): void {
    const mayRead = () => this.#phase.hasUrgent === true && this.#waiting.length < MOST_AHEAD
    while (this.#unread.length > 0 && mayRead()) this.#parse(this.#unread.shift() as Uint8Array)
    if (!mayRead()) this.transport.pause()
  }

  #parse(chunk: Uint8Array): void {
    if (this.#isClosing) return
    try {
      this.#parser.write(chunk)
    } catch (error) {
      // What was read before the fault is handled before it is reported.
      if (this.#isBusy && error instanceof Error) this.#waiting.push(error)
      else this.#fail(error)
    }
  }

  #take(item: Stanza | Element | Error): void {
    if (this.#isClosing) return
    if (this.#isBusy) {
      if (!this.#isUrgent(item)) this.#waiting.push(item)
      return
    }
    const done = this.#handle(item)
    if (done !== undefined) {
      this.#isBusy = true
      done.then(
        () => this.run(),
        (error: unknown) => {
          this.#fail(error)
          this.run()
        },
      )
    }
  }

  /** @returns true when it was taken out of turn */
  #isUrgent(item: Stanza | Element | Error): boolean {
    if (item instanceof Error || 'kind' in item) return false
    try {
      return this.#phase.urgent?.(item) ?? false
    } catch (error) {
      this.#fail(error)
      return true
    }
  }

  /** @returns a promise when the item is not done yet */
  #handle(item: Stanza | Element | Error): Promise<void> | undefined {
    try {
      if (item instanceof Error) throw item
      const done = 'kind' in item ? this.#phase.stanza(item) : this.#phase.element(item)
      return isPromise(done) ? done : undefined
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  /** The stanza under way is done, or it is this stream's turn to go on with what was read. */
  run(): void {
    this.#isBusy = false
    this.#whenIdle?.resolve()
    while (this.#waiting.length > 0 || this.#unread.length > 0) {
      if (!this.#settings.catchUp.hasTime()) {
        this.#isBusy = true
        this.#settings.catchUp.postpone(this)
        return
      }
      const item = this.#waiting.shift()
      if (item !== undefined) this.#take(item)
      else this.#parse(this.#unread.shift() as Uint8Array)
      if (this.#isBusy) return
    }
    if (this.#isClosed) this.#finish()
    else if (this.#peerClosed) this.close()
    else if (!this.#isThrottled) this.transport.resume()
  }

  /** What has been read is handled; more is read when more is granted. The kernel's window then slows the peer down. */
  #throttle(): void {
    if (this.#isThrottled) return
    this.#isThrottled = true
    this.transport.pause()
  }

  #fail(error: unknown): void {
    if (error instanceof StreamError) {
      this.close(error)
      return
    }
    this.#settings.log.error({ streamId: this.id, error }, 'handling a stream failed')
    this.close(new StreamError('internal-server-error'))
  }

  #sendHeader(): void {
    if (this.#headerSent) return
    this.#headerSent = true
    this.transport.write(openingTag({ from: this.#settings.domain, to: this.#peer, id: this.#headerId, lang: LANGUAGE }))
  }

  #finish(): void {
    if (this.#isClosing || this.#isFinished) return
    this.#isFinished = true
    this.#phase.closed(!this.#peerClosed)
  }
}
