/** Accepts connections for streams: in clear, to be secured by STARTTLS, or with TLS from the first byte on. */
import { createServer, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Logger } from '@beaconfire/plugin-sdk'
import { TcpTransport } from './tcp-transport.js'
import type { Transport } from './transport.js'
import { TurnScheduler } from './turn-scheduler.js'

export interface ListenSettings {
  /** All addresses unless given. */
  readonly host?: string | undefined
  /** 0: any free port. */
  readonly port: number
  /** TLS before the stream begins (XEP-0368); without it connections begin in clear. */
  readonly directTls?: SecureContext | undefined
  /** The connection is ready to be bound; for direct TLS the handshake is done. */
  onConnection(transport: Transport): void
  readonly log: Logger
  /** Connections from one address at a time; no limit unless given. */
  readonly maxConnectionsPerAddress?: number | undefined
  /** 10 s unless given. */
  readonly handshakeTimeoutMs?: number | undefined
}

export interface TcpListener {
  readonly port: number
  /** For connections accepted from now on, after a certificate was renewed. */
  setSecureContext(context: SecureContext): void
  /** Accepts no more; connections that are there go on, but for those in a handshake. */
  close(): Promise<void>
}

/** First probe of a silent connection by the operating system. */
const KEEP_ALIVE_MS = 60_000
/** At most one line a second about connections that could not be accepted. */
const FAILURE_LOG_MS = 1000

/** @throws (rejects) when the address is in use or is none of this machine */
export async function listen(settings: ListenSettings): Promise<TcpListener> {
  const acceptor = new Acceptor(settings)
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
    (socket) => void acceptor.accept(socket), // never rejects
  )
  await listening(server, settings)
  server.on('error', (error) => acceptor.failed(error))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : settings.port,
    setSecureContext: (context) => acceptor.setSecureContext(context),
    async close() {
      server.close() // its callback would wait for all connections; the port is free at once
      acceptor.close()
    },
  }
}

function listening(server: Server, { host, port }: ListenSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

class Acceptor {
  readonly #settings: ListenSettings
  readonly #scheduler = new TurnScheduler()
  readonly #perAddress = new Map<string, number>()
  readonly #inHandshake = new Set<TcpTransport>()
  #context: SecureContext | undefined
  #failures = 0
  #failureLoggedAt = Number.NEGATIVE_INFINITY

  constructor(settings: ListenSettings) {
    this.#settings = settings
    this.#context = settings.directTls
  }

  setSecureContext(context: SecureContext): void {
    this.#context = context
  }

  async accept(socket: Socket): Promise<void> {
    const { log, handshakeTimeoutMs } = this.#settings
    const transport = new TcpTransport(socket, { scheduler: this.#scheduler, handshakeTimeoutMs })
    if (!this.#admit(socket, transport.remoteAddress)) {
      log.info({ address: transport.remoteAddress }, 'too many connections from one address')
      transport.destroy()
      return
    }
    if (this.#context && !(await this.#secure(transport, this.#context))) return
    if (this.#scheduler.hasTime()) this.#takeOver(transport)
    else this.#scheduler.postpone({ run: () => this.#takeOver(transport) })
  }

  #takeOver(transport: TcpTransport): void {
    try {
      this.#settings.onConnection(transport)
    } catch (error) {
      this.#settings.log.error({ address: transport.remoteAddress, error }, 'a connection could not be taken over')
      transport.destroy()
    }
  }

  /** Out of file descriptors, or a peer that left while it was accepted: that one is lost, the listener goes on. */
  failed(error: Error): void {
    this.#failures++
    const now = performance.now()
    if (now - this.#failureLoggedAt < FAILURE_LOG_MS) return
    this.#failureLoggedAt = now
    this.#settings.log.error({ error, failures: this.#failures }, 'accepting connections fails')
    this.#failures = 0
  }

  close(): void {
    for (const transport of this.#inHandshake) transport.destroy()
  }

  async #secure(transport: TcpTransport, context: SecureContext): Promise<boolean> {
    this.#inHandshake.add(transport)
    try {
      await transport.startDirectTls(context)
      return true
    } catch (error) {
      const fields = { address: transport.remoteAddress, error: error instanceof Error ? error.message : error }
      this.#settings.log.info(fields, 'TLS handshake failed')
      return false
    } finally {
      this.#inHandshake.delete(transport)
    }
  }

  #admit(socket: Socket, address: string): boolean {
    const limit = this.#settings.maxConnectionsPerAddress
    if (limit === undefined) return true
    const count = this.#perAddress.get(address) ?? 0
    if (count >= limit) return false
    this.#perAddress.set(address, count + 1)
    socket.on('close', () => {
      const left = (this.#perAddress.get(address) ?? 1) - 1
      if (left === 0) this.#perAddress.delete(address)
      else this.#perAddress.set(address, left)
    })
    return true
  }
}
