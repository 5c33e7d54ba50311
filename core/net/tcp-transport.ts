/** A TCP connection, in clear or with TLS, as a {@link Transport}. */
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { SessionEnded } from '@beaconfire/plugin-sdk'
import { asksForCertificate } from './tls-client-certificate.js'
import { handshake } from './tls-handshake.js'
import type { Transport, TransportEvents } from './transport.js'
import type { Postponed } from './turn-budget.js'
import type { Flushable, TurnScheduler } from './turn-scheduler.js'

export interface TcpTransportSettings {
  readonly scheduler: TurnScheduler
  /** 10 s unless given. */
  readonly handshakeTimeoutMs?: number | undefined
}

interface FlushWaiter {
  /** Number of the write that must be taken. */
  readonly write: number
  resolve(): void
  reject(error: Error): void
}

export class TcpTransport implements Transport, Flushable, Postponed {
  readonly remoteAddress: string
  #socket: Socket
  #isSecure = false
  readonly #settings: TcpTransportSettings
  #events: TransportEvents | undefined
  #gathered = ''
  /** Writes handed to the socket, and how many of them the operating system has taken. */
  #writes = 0
  #taken = 0
  #waiters: FlushWaiter[] = []
  #isPaused = false
  /** False before {@link bind} and while TLS begins. */
  #isReading = false
  /** Read when the turn had no time left. The socket is paused meanwhile, so there is no more than one. */
  #postponed: Uint8Array | undefined
  #isEnding = false
  #isClosed = false
  #error: Error | undefined
  #graceTimer: NodeJS.Timeout | undefined

  /** @param socket connected, half-open allowed, never read from, in clear */
  constructor(socket: Socket, settings: TcpTransportSettings) {
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.#socket = socket
    this.#settings = settings
    this.#watch(socket)
  }

  get isSecure(): boolean {
    return this.#isSecure
  }

  get isOpen(): boolean {
    return !this.#isEnding && !this.#isClosed
  }

  get tlsSocket(): TLSSocket | undefined {
    return this.#isSecure && this.#socket instanceof TLSSocket ? this.#socket : undefined
  }

  /** What is not encoded yet counts a byte for each UTF-16 unit. */
  get queuedBytes(): number {
    return this.#gathered.length + this.#socket.writableLength
  }

  get writes(): number {
    return this.#gathered === '' ? this.#writes : this.#writes + 1
  }
  get writesTaken(): number {
    return this.#taken
  }

  bind(events: TransportEvents): void {
    this.#events = events
    if (this.#isClosed) queueMicrotask(() => events.closed(this.#error))
    else this.#read()
  }

  write(text: string): void {
    if (this.#isEnding || this.#isClosed || text === '') return
    if (this.#gathered === '') this.#settings.scheduler.add(this)
    this.#gathered += text
  }

  flush(): void {
    if (this.#gathered === '') return
    const last = this.#events?.flushing?.()
    const text = last === undefined ? this.#gathered : this.#gathered + last
    this.#gathered = ''
    // A socket that was destroyed emits no more than its end; its bytes are lost with it.
    if (this.#isClosed || !this.#socket.writable) return
    const isBlocked = this.#taken < this.#writes
    this.#writes++
    if (this.#isSecure || isBlocked) this.#socket.write(text, 'utf8', this.#nextWasTaken)
    else this.#writeAtOnce(text)
  }

  whenFlushed(): Promise<void> {
    const write = this.writes
    if (write <= this.#taken) return Promise.resolve()
    if (this.#isClosed || !this.#socket.writable) return Promise.reject(ended())
    return new Promise((resolve, reject) => this.#waiters.push({ write, resolve, reject }))
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#events && !this.#postponed) this.#socket.resume()
  }

  async startTls(context: SecureContext): Promise<void> {
    this.#socket.off('data', this.#received)
    this.#isReading = false
    this.#socket.pause()
    // Sent before the peer could know that TLS begins: whoever put it there, it must not seem to have come through TLS.
    while (this.#socket.read() !== null);
    this.flush()
    await this.whenFlushed()
    await this.#secure(context)
    if (this.#events) this.#read()
  }

  /** TLS from the first byte on (XEP-0368), before {@link bind}. @throws (rejects) when the handshake fails; the transport is closed then */
  async startDirectTls(context: SecureContext): Promise<void> {
    await this.#secure(context, ['xmpp-client'])
  }

  /** Handles what was read in an earlier turn. */
  run(): void {
    const chunk = this.#postponed
    this.#postponed = undefined
    if (this.#isEnding || !chunk) return
    this.#events?.data(chunk)
    if (!this.#isPaused && this.#isReading) this.#socket.resume()
  }

  end(graceMs = 2000): void {
    if (this.#isEnding || this.#isClosed) return
    this.flush()
    this.#isEnding = true
    this.#socket.end()
    this.#socket.resume() // the peer's end is seen only while reading
    this.#graceTimer = setTimeout(() => this.destroy(), graceMs)
    this.#graceTimer.unref()
  }

  destroy(): void {
    this.#isEnding = true
    this.#socket.destroy()
  }

  async #secure(context: SecureContext, protocols?: string[]): Promise<void> {
    const clear = this.#socket
    const secure = new TLSSocket(clear, {
      isServer: true,
      secureContext: context,
      // Without one, or with one that is not trusted, the client goes on to another way to log in (RFC 6120 §13.7.2).
      ...(asksForCertificate(context) && { requestCert: true, rejectUnauthorized: false }),
      ...(protocols && { ALPNProtocols: protocols }),
    })
    this.#unwatch(clear)
    // It belongs to the TLS socket now, which ends with it; an error of its own must not go unheard.
    clear.on('error', this.#failed)
    this.#socket = secure
    this.#watch(secure)
    try {
      await handshake(secure, this.#settings.handshakeTimeoutMs ?? 10_000)
    } catch (error) {
      this.#failed(error as Error)
      this.destroy()
      throw error
    }
    this.#isSecure = true
  }

  #read(): void {
    this.#socket.on('data', this.#received)
    this.#isReading = true
    if (this.#isPaused && !this.#isEnding) this.#socket.pause()
    else this.#socket.resume()
  }

  #watch(socket: Socket): void {
    socket.on('error', this.#failed)
    socket.on('end', this.#peerEnded)
    socket.on('close', this.#closed)
  }

  #unwatch(socket: Socket): void {
    socket.off('error', this.#failed)
    socket.off('end', this.#peerEnded)
    socket.off('close', this.#closed)
  }

  /** In clear the operating system takes nearly always all at once. A callback costs a tick each time: it is asked for where it does not. */
  #writeAtOnce(text: string): void {
    const socket = this.#socket
    socket.write(text, 'utf8')
    if (socket.writableLength === 0 && socket.errored === null) this.#tookOneMore()
    else socket.write('', this.#nextWasTaken)
  }

  readonly #received = (chunk: Uint8Array): void => {
    if (this.#isEnding) return
    if (this.#settings.scheduler.hasTime()) {
      this.#events?.data(chunk)
      return
    }
    this.#postponed = chunk
    this.#socket.pause()
    this.#settings.scheduler.postpone(this)
  }

  readonly #nextWasTaken = (error?: Error | null): void => {
    // Node reports success for what is dropped with a destroyed socket. The end of the connection follows, and rejects who waits.
    if (error || this.#socket.destroyed) return
    this.#tookOneMore()
  }

  #tookOneMore(): void {
    this.#taken++
    while (this.#waiters[0] && this.#waiters[0].write <= this.#taken) this.#waiters.shift()?.resolve()
  }

  readonly #peerEnded = (): void => this.end()

  readonly #failed = (error: Error): void => {
    this.#error ??= error
  }

  readonly #closed = (): void => {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#gathered = ''
    clearTimeout(this.#graceTimer)
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(ended())
    this.#events?.closed(this.#error)
  }
}

function ended(): SessionEnded {
  return new SessionEnded('the connection ended before everything was written')
}

/** IPv4 in its own form, also where the listener is one for IPv6. */
function plainAddress(address: string | undefined): string {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : (address ?? '')
}
