/** For tests: a listener on a free port and connections to it, all gone when the test is over. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createSecureContext } from 'node:tls'
import type { Logger } from '@beaconfire/plugin-sdk'
import { createSelfSignedCertificate } from './self-signed-certificate.js'
import { type ListenSettings, listen } from './tcp-listener.js'
import type { TcpTransport } from './tcp-transport.js'

export const certificate = createSelfSignedCertificate('localhost')
export const secureContext = createSecureContext({ key: certificate.key, cert: certificate.certificate, minVersion: 'TLSv1.2' })

/** What happened on a bound transport. */
export class Bound {
  text = ''
  readonly ends: (Error | undefined)[] = []
  readonly #changes = new Set<() => void>()

  constructor(readonly transport: TcpTransport) {
    transport.bind({
      data: (chunk) => {
        this.text += Buffer.from(chunk).toString()
        this.#changed()
      },
      closed: (error) => {
        this.ends.push(error)
        this.#changed()
      },
    })
  }

  async until(condition: (bound: Bound) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#changes.add(resolve))
  }

  closed(): Promise<void> {
    return this.until(() => this.ends.length > 0)
  }

  #changed(): void {
    for (const tell of this.#changes) tell()
    this.#changes.clear()
  }
}

export interface TestListener {
  readonly port: number
  readonly logged: string[]
  readonly log: Logger
  connect(): Promise<Socket>
  /** The next connection that the listener hands over. */
  accepted(): Promise<TcpTransport>
  close(): Promise<void>
}

export async function startListener(t: TestContext, settings: Partial<ListenSettings> = {}): Promise<TestListener> {
  const logged: string[] = []
  const note = (level: string) => (_fields: object, message: string) => void logged.push(`${level} ${message}`)
  const log: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error'), child: () => log }
  const transports: TcpTransport[] = []
  const wanted: ((transport: TcpTransport) => void)[] = []
  const all: { destroy(): void }[] = []
  const onConnection = (transport: unknown) => {
    all.push(transport as TcpTransport)
    const want = wanted.shift()
    if (want) want(transport as TcpTransport)
    else transports.push(transport as TcpTransport)
  }
  const listener = await listen({ host: '127.0.0.1', port: 0, onConnection, log, ...settings })
  t.after(async () => {
    await listener.close()
    for (const it of all) it.destroy()
  })
  return {
    port: listener.port,
    logged,
    log,
    async connect() {
      const socket = connect(listener.port, '127.0.0.1')
      all.push(socket)
      socket.on('error', () => {}) // how a connection ends is seen on the server's side
      await once(socket, 'connect')
      return socket
    },
    accepted: () => new Promise((resolve) => (transports.length > 0 ? resolve(transports.shift() as TcpTransport) : wanted.push(resolve))),
    close: () => listener.close(),
  }
}

export async function startPair(
  t: TestContext,
  settings: Partial<ListenSettings> = {},
): Promise<{ bound: Bound; client: Socket; listener: TestListener }> {
  const listener = await startListener(t, settings)
  const [transport, client] = await Promise.all([listener.accepted(), listener.connect()])
  return { bound: new Bound(transport), client, listener }
}

/** Reads exactly `length` characters. */
export async function readText(socket: Socket, length: number): Promise<string> {
  let text = ''
  while (text.length < length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString()
  }
  return text
}

/** However it came about; `once` of Node would fail for a connection that was reset. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}
