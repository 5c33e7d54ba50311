/** One XMPP client over a raw socket, made to be much cheaper than the server it loads. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Target } from './request.js'
import { StanzaFramer } from './stanza-framer.js'

/** All plain sockets read into one buffer: it is consumed, or the rest copied, before the callback returns. */
const sharedRead = Buffer.allocUnsafeSlow(64 * 1024)

const LETTER_A = 97
const LETTER_I = 105
const LETTER_R = 114
const SPACE = 32
const NS_STREAM_MANAGEMENT = 'urn:xmpp:sm:3'
/** Asks the server how much it has handled (XEP-0198). */
export const ACKNOWLEDGEMENT_REQUEST = `<r xmlns='${NS_STREAM_MANAGEMENT}'/>`

type Answer = { resolve(stanza: string): void; reject(error: Error): void }

export class ClientConnection {
  readonly user: string
  /** Number of the user, free for workloads. */
  readonly index: number
  /** The resource to be bound. */
  resource = 'bench'
  /** The JID that was bound. */
  full = ''
  /** Takes stanzas nobody waits for. */
  handler: ((stanza: string) => void) | undefined
  /** Told once when the connection is lost and nobody waits for an answer. */
  onLost: ((error: Error) => void) | undefined
  /** Told how many stanzas the server has handled. */
  onAcknowledged: ((count: number) => void) | undefined
  readonly #target: Target
  readonly #framer = new StanzaFramer({ stanza: (text) => this.#stanza(text), streamEnd: () => this.#streamEnd() })
  readonly #iqs = new Map<string, Answer>()
  #socket: Socket | undefined
  #next: (Answer & { isFor(stanza: string): boolean }) | undefined
  /** What is sent while a read is handled, to go out in one write. */
  #gathered = ''
  #isReading = false
  #iqCount = 0
  #isOver = false
  /** Stanzas that came since stream management was enabled; undefined before. */
  #handled: number | undefined

  constructor(target: Target, user: string, index: number) {
    this.#target = target
    this.user = user
    this.index = index
  }

  connect(): Promise<void> {
    const { address, port, tls, domain } = this.#target
    return new Promise((resolve, reject) => {
      const socket = tls
        ? connectTls({ host: address, port, servername: domain, rejectUnauthorized: false }, resolve)
        : connectTcp(
            { host: address, port, noDelay: true, onread: { buffer: sharedRead, callback: (length) => this.#read(sharedRead, length) } },
            resolve,
          )
      this.#socket = socket
      if (tls) socket.setNoDelay(true).on('data', (chunk: Buffer) => void this.#read(chunk, chunk.length))
      socket.on('error', (error: Error) => {
        reject(error)
        this.#lost(error)
      })
      socket.on('close', () => this.#lost(new Error(`the server closed the connection of ${this.user}`)))
    })
  }

  send(text: string): void {
    if (this.#isReading) this.#gathered += text
    else this.#socket?.write(text, 'latin1')
  }

  /** For bulk senders: resolves when the socket has room again. */
  async sendBulk(text: string): Promise<void> {
    const socket = this.#socket
    if (socket && !socket.write(text, 'latin1')) await new Promise<void>((resolve) => socket.once('drain', () => resolve()))
  }

  /** Sends, and resolves with the next stanza or stream element: with any, or the first that `isFor` takes for the answer. */
  exchange(text: string, isFor: (stanza: string) => boolean = () => true): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#next = { resolve, reject, isFor }
      this.send(text)
    })
  }

  /** Opens a stream, the first or one after SASL; resolves with the stream features. */
  openStream(): Promise<string> {
    this.#framer.reset()
    return this.exchange(
      `<?xml version='1.0'?><stream:stream to='${this.#target.domain}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`,
    )
  }

  /** Resolves with the answer, result or error. */
  iq(type: 'get' | 'set', payload: string, to?: string): Promise<string> {
    const id = `q${++this.#iqCount}`
    return new Promise((resolve, reject) => {
      this.#iqs.set(id, { resolve, reject })
      this.send(`<iq type='${type}' id='${id}'${to ? ` to='${to}'` : ''}>${payload}</iq>`)
    })
  }

  /** A round trip: the server has taken, in order, all that was sent before. */
  ping(): Promise<string> {
    return this.iq('get', "<ping xmlns='urn:xmpp:ping'/>", this.#target.domain)
  }

  /** From now on requests for acknowledgements are answered (XEP-0198). @throws when the server refuses */
  async enableStreamManagement(): Promise<void> {
    const isFor = (stanza: string) => stanza.startsWith('<enabled') || stanza.startsWith('<failed')
    const answer = await this.exchange(`<enable xmlns='${NS_STREAM_MANAGEMENT}'/>`, isFor)
    if (!answer.startsWith('<enabled')) throw new Error(`stream management of ${this.user}: ${answer}`)
    this.#handled = 0
  }

  stopReading(): void {
    this.#socket?.pause()
  }

  /** Reads on after {@link stopReading}; resolves when the server has closed the connection. */
  async readToEnd(): Promise<void> {
    const socket = this.#socket
    if (!socket || socket.destroyed) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.resume()
    await closed
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#socket?.end('</stream:stream>')
  }

  destroy(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #read(chunk: Buffer, length: number): boolean {
    this.#isReading = true
    this.#framer.write(chunk, length)
    this.#isReading = false
    if (this.#gathered !== '') {
      const text = this.#gathered
      this.#gathered = ''
      this.#socket?.write(text, 'latin1')
    }
    return true
  }

  #stanza(text: string): void {
    if (this.#next?.isFor(text)) {
      const { resolve } = this.#next
      this.#next = undefined
      resolve(text)
      return
    }
    if (this.#handled !== undefined && this.#isManagement(text)) return
    if (this.#iqs.size !== 0 && text.charCodeAt(1) === LETTER_I) {
      const id = attributeOf(text, 'id') ?? ''
      const answer = this.#iqs.get(id)
      if (answer) {
        this.#iqs.delete(id)
        answer.resolve(text)
        return
      }
    }
    this.handler?.(text)
  }

  /** Counts what is a stanza, and answers what asks for the count. */
  #isManagement(text: string): boolean {
    const name = text.charCodeAt(2) === SPACE ? text.charCodeAt(1) : 0
    if (name === LETTER_R) this.send(`<a xmlns='${NS_STREAM_MANAGEMENT}' h='${this.#handled}'/>`)
    else if (name === LETTER_A) this.onAcknowledged?.(Number(attributeOf(text, 'h')))
    else {
      this.#handled = (this.#handled ?? 0) + 1
      return false
    }
    return true
  }

  #streamEnd(): void {
    this.#lost(new Error(`the server closed the stream of ${this.user}`))
    this.#socket?.end()
  }

  #lost(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    const waiting = [...this.#iqs.values(), ...(this.#next ? [this.#next] : [])]
    this.#iqs.clear()
    this.#next = undefined
    for (const it of waiting) it.reject(error)
    if (waiting.length === 0) this.onLost?.(error)
  }
}

/** An attribute of the stanza's own tag. */
export function attributeOf(stanza: string, name: string): string | undefined {
  const found = new RegExp(`\\s${name}=(?:'([^']*)'|"([^"]*)")`).exec(stanza.slice(0, stanza.indexOf('>') + 1))
  return found?.[1] ?? found?.[2]
}
