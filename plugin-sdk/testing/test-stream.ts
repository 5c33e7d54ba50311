/** A scripted peer on a socket: writes what the test says, byte by byte if need be, and queues what comes. */
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { childElements, Element, element, findChild, Jid, NS, parseElement, XmlError } from '../index.js'
import { ElementReader } from './element-reader.js'
import { Inbox, named, type Wanted } from './inbox.js'
import { realClearTimeout, realSetTimeout } from './real-timers.js'
import { type ScramBinding, ScramClient, type ScramName } from './scram-client.js'

export interface Closed {
  /** Condition of the stream error the server sent, such as `not-well-formed`. */
  readonly error?: string
}

export interface Opening {
  /** Attributes of the stream's start tag besides the namespaces; `undefined` leaves one out. */
  readonly [attribute: string]: string | undefined
}

export interface StreamOptions {
  readonly port: number
  readonly domain: string
  readonly tls?: boolean | ConnectionOptions
  /** The address it comes from. */
  readonly from?: string
}

/** Told of each stanza as it goes by. */
export interface StreamObserver {
  sent(stanza: Element): void
  received(stanza: Element): void
}

export class TestStream {
  /** Attributes of the server's last stream header. */
  header: Readonly<Record<string, string>> = {}
  /** Every element that came, in order. */
  readonly received: Element[] = []
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<Closed>
  /** Names this peer in messages of failures. */
  label = 'stream'
  readonly domain: string
  readonly #inbox = new Inbox(() => this.label)
  #socket: Socket | TLSSocket
  #reader: ElementReader
  #error: string | undefined
  #settleClosed: (closed: Closed) => void = () => {}
  #ids = 0
  #isSilent = false
  /** Bytes a second, where it reads slowly. */
  #pace: number | undefined
  readonly #observers = new Set<StreamObserver>()

  private constructor(socket: Socket, domain: string) {
    this.domain = domain
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    this.#socket = socket
    this.#reader = this.#newReader()
    this.#listen(socket)
  }

  /** @param options.tls true for direct TLS (XEP-0368), or what differs in it; the server's certificate is not verified */
  static async connect(options: StreamOptions): Promise<TestStream> {
    const address = { host: '127.0.0.1', port: options.port, ...(options.from !== undefined && { localAddress: options.from }) }
    const own = typeof options.tls === 'object' ? options.tls : {}
    const socket = options.tls ? connectTls({ servername: options.domain, rejectUnauthorized: false, ...own, ...address }) : connectTcp(address)
    await new Promise((resolve, reject) => socket.once(options.tls ? 'secureConnect' : 'connect', resolve).once('error', reject))
    return new TestStream(socket, options.domain)
  }

  /** The TLS connection, for channel binding. @throws Error while the connection is in clear */
  get tls(): TLSSocket {
    if (!(this.#socket instanceof TLSSocket)) throw new Error(`${this.label} speaks in clear`)
    return this.#socket
  }

  write(data: string | Uint8Array): void {
    if (!this.#isSilent) this.#socket.write(data)
  }

  send(stanza: string | Element): void {
    const xml = stanza.toString()
    if (this.#observers.size > 0) this.#tellSent(xml)
    this.write(xml)
  }

  /** @returns what ends it */
  observe(observer: StreamObserver): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** @see Inbox.take. @throws (rejects) after 5 s, or at once when the stream has ended */
  receive(wanted: Wanted, what?: string): Promise<Element> {
    return this.#inbox.take(wanted, what)
  }

  /** What came and nobody asked for. */
  queued(wanted: Wanted = () => true): Element[] {
    return this.#inbox.matching(wanted)
  }

  discard(wanted: Wanted): void {
    this.#inbox.discard(wanted)
  }

  /** Opens or restarts the stream. @returns the server's features */
  async open(opening: Opening = {}): Promise<Element> {
    this.writeHeader(opening)
    return this.receive(named('features', NS.streams), '<stream:features/>')
  }

  /** Writes a stream header alone; from now on the server's answer is read as a new stream. */
  writeHeader(opening: Opening = {}): void {
    this.#reader = this.#newReader()
    const header: Opening = { xmlns: NS.client, 'xmlns:stream': NS.streams, to: this.domain, version: '1.0', ...opening }
    const attributes = new Element('stream:stream', withoutUndefined(header)).toString().slice(0, -2)
    this.write(`<?xml version='1.0'?>${attributes}>`)
  }

  /** STARTTLS (RFC 6120 §5); the stream must be opened again afterwards. @param options such as a client certificate */
  async startTls(options: ConnectionOptions = {}): Promise<void> {
    this.send(element('starttls', { xmlns: NS.tls }))
    await this.receive(named('proceed', NS.tls), '<proceed/>')
    const plain = this.#socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('close')
    const secure = connectTls({ servername: this.domain, rejectUnauthorized: false, ...options, socket: plain })
    this.#socket = secure
    this.#reader = this.#newReader()
    this.#listen(secure)
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
  }

  /** SASL (RFC 6120 §6); the stream must be opened again afterwards. @throws Error naming the condition of a `<failure/>` */
  async authenticate(mechanism: 'PLAIN' | ScramName, username: string, password: string, binding?: ScramBinding): Promise<void> {
    if (mechanism === 'PLAIN') {
      this.#sendSasl('auth', `\0${username}\0${password}`, { mechanism })
      await this.#saslAnswer('success')
      return
    }
    const scram = new ScramClient(mechanism, username, password, undefined, binding)
    this.#sendSasl('auth', scram.first(), { mechanism })
    this.#sendSasl('response', scram.final(await this.#saslAnswer('challenge')))
    scram.verify(await this.#saslAnswer('success'))
  }

  /** Resource binding (RFC 6120 §7). @returns the full JID the server gave */
  async bind(resource?: string): Promise<Jid> {
    const answer = await this.request(
      element('iq', { type: 'set' }, element('bind', { xmlns: NS.bind }, resource !== undefined && element('resource', {}, resource))),
    )
    const jid = answer.getChild('bind', NS.bind)?.getChildText('jid')
    if (!jid) throw new Error(`binding failed: ${answer}`)
    return Jid.parse(jid)
  }

  /** Sends an iq, with an id if it has none, and waits for the result or error with that id. */
  async request(iq: Element): Promise<Element> {
    iq.attrs.id ??= `${this.label}-${++this.#ids}`
    const { id } = iq.attrs
    this.send(iq)
    return this.receive((el) => el.getName() === 'iq' && el.attrs.id === id && isAnswer(el), `the answer to iq "${id}"`)
  }

  /** Ends the stream properly and waits until the connection is gone. */
  async close(): Promise<Closed> {
    if (!this.#socket.destroyed) this.write('</stream:stream>')
    // A server that leaves the connection open must not keep a test alive.
    const patience = realSetTimeout(() => this.drop(), 2000)
    const closed = await this.closed
    realClearTimeout(patience)
    return closed
  }

  /** Ends the writing side without a word, as a peer that crashed gracefully. */
  endSocket(): void {
    this.#socket.end()
  }

  /** Reads nothing more, as a client that hangs, until {@link resume}. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#pace = undefined
    this.#socket.resume()
  }

  /** Reads no faster than this, until {@link resume}. */
  readSlowly(bytesPerSecond: number): void {
    this.#pace = bytesPerSecond
  }

  /** The link is dead and nobody has noticed: what either side writes from now on is lost, and the connection stays open. */
  silence(): void {
    this.#isSilent = true
    this.#socket.pause()
  }

  /** Cuts the connection. */
  drop(): void {
    this.#socket.destroy()
  }

  #sendSasl(name: string, text: string, attributes: Record<string, string> = {}): void {
    this.send(element(name, { xmlns: NS.sasl, ...attributes }, Buffer.from(text).toString('base64')))
  }

  async #saslAnswer(expected: 'challenge' | 'success'): Promise<string> {
    const answer = await this.receive((el) => el.getNS() === NS.sasl, 'the answer of SASL')
    if (answer.getName() !== expected) throw new Error(`authentication failed: ${childElements(answer)[0]?.getName() ?? answer}`)
    return Buffer.from(answer.getText(), 'base64').toString()
  }

  #rest(ms: number): void {
    const socket = this.#socket
    socket.pause()
    realSetTimeout(() => socket.resume(), ms).unref()
  }

  #newReader(): ElementReader {
    return new ElementReader({
      header: (attributes) => {
        this.header = attributes
      },
      element: (el) => this.#take(el),
      end: () => this.#inbox.end(this.#error ?? 'the server closed the stream'),
    })
  }

  #tellSent(xml: string): void {
    let stanza: Element
    try {
      stanza = parseElement(xml)
    } catch (error) {
      // A test may send half a stanza, or a wrong one.
      if (error instanceof XmlError) return
      throw error
    }
    for (const observer of this.#observers) observer.sent(stanza)
  }

  #take(el: Element): void {
    this.received.push(el)
    for (const observer of this.#observers) observer.received(el)
    if (named('error', NS.streams)(el)) {
      this.#error = childElements(el)
        .find((it) => it.getName() !== 'text')
        ?.getName()
    }
    this.#inbox.put(el)
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk) => this.#read(chunk))
    // A cut connection is reported by `closed`; the error only says which side cut it.
    socket.on('error', (error) => this.#inbox.end(error.message))
    socket.on('close', () => {
      this.#inbox.end(this.#error ?? 'the connection was closed')
      this.#settleClosed(this.#error === undefined ? {} : { error: this.#error })
    })
  }

  #read(chunk: Uint8Array): void {
    if (this.#pace !== undefined) this.#rest((chunk.length / this.#pace) * 1000)
    try {
      this.#reader.write(chunk)
    } catch (error) {
      this.#inbox.end(`the server sent what is no XML: ${(error as Error).message}`)
      this.drop()
    }
  }
}

function isAnswer(el: Element): boolean {
  return el.attrs.type === 'result' || el.attrs.type === 'error'
}

function withoutUndefined(attributes: Opening): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) kept[name] = value
  return kept
}

/** The condition of an error stanza, such as `service-unavailable`. */
export function errorCondition(stanza: Element): string | undefined {
  const error = findChild(stanza, 'error')
  return (
    error &&
    childElements(error)
      .find((el) => el.getNS() === NS.stanzaErrors)
      ?.getName()
  )
}
