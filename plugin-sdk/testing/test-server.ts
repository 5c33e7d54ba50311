/** A whole server in the process of the test: on free ports, with data of its own, gone with the test. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { AccountConflict, type AnyPlugin, element, Jid, type Logger } from '../index.js'
import { type ActiveFault, type DatabaseFault, DatabaseFaults } from './database-faults.js'
import { TestClient } from './test-client.js'
import { TestStream } from './test-stream.js'
import { Transcript } from './transcript.js'
import { VirtualClock } from './virtual-clock.js'

type CoreServer = typeof import('@beaconfire/core/server')
export type RunningServer = Awaited<ReturnType<CoreServer['startServer']>>
export type TestConfig = NonNullable<NonNullable<Parameters<CoreServer['startServer']>[0]>['config']>

/** The part of node:test's context that is needed, so that a suite's `after` will do as well. */
export interface TestScope {
  after(cleanUp: () => Promise<void>): void
}

export interface TestServerOptions {
  /** Only these are loaded; one that the server ships is given by its name as well, `'roster'`. Without it, all that it ships. */
  readonly plugins?: readonly (AnyPlugin | string)[]
  /** SQLite in a temporary file unless given, so that a server can be started again on what another left; `memory`: its tables go with it. */
  readonly database?: TestConfig['database'] | 'memory'
  /** Laid over the kit's own configuration, key by key. */
  readonly config?: TestConfig
  /** Silent unless given. */
  readonly log?: Logger
  /**
   * `virtual`, or the date it begins with: time stands still until `server.clock` moves it, for the whole process, from this start to the
   * end of the test.
   */
  readonly clock?: 'virtual' | Date
}

export interface LoginOptions {
  /** The server chooses one unless given. */
  readonly resource?: string
  /** Initial presence is sent unless this is false. */
  readonly available?: boolean
  /** The same as the name unless given. */
  readonly password?: string
}

export interface ConnectOptions {
  /** Goes through STARTTLS. */
  readonly tls?: boolean
  /** Uses the port for direct TLS. */
  readonly direct?: boolean | ConnectionOptions
  /** The address it comes from, for what goes by address: on Linux any that begins with 127 will do. */
  readonly from?: string
}

/** `RequestInit`, with a value to send as JSON. */
export interface AdminInit extends RequestInit {
  readonly json?: unknown
}

/** What the kit has laid around the server. */
interface TestServerParts {
  readonly faults?: DatabaseFaults
  readonly clock?: VirtualClock | undefined
}

const ADMIN_TOKEN = 'token-of-the-test-kit'

const DEFAULTS = {
  domain: 'test',
  c2s: { host: '127.0.0.1', port: 0, directTlsPort: -1, tls: 'optional', plainWithoutTls: true },
  limits: { enabled: false },
  admin: { port: 0, token: ADMIN_TOKEN },
  plugins: { folders: [], watch: false },
  log: { level: 'silent' },
} satisfies TestConfig

export class TestServer {
  /** The server's parts: accounts, sessions, plugins, database, ports, configuration. */
  readonly running: RunningServer
  readonly dataFolder: string
  readonly #parts: TestServerParts
  readonly #streams: TestStream[] = []
  #stopped: Promise<void> | undefined

  constructor(running: RunningServer, dataFolder: string, parts: TestServerParts = {}) {
    this.running = running
    this.dataFolder = dataFolder
    this.#parts = parts
  }

  /** @throws Error unless the server was started with `clock: 'virtual'` */
  get clock(): VirtualClock {
    if (!this.#parts.clock) throw new Error(`this server runs in the time of the machine; start it with { clock: 'virtual' }`)
    return this.#parts.clock
  }

  get accounts(): RunningServer['accounts'] {
    return this.running.accounts
  }
  get sessions(): RunningServer['sessions'] {
    return this.running.sessions
  }
  get plugins(): RunningServer['plugins'] {
    return this.running.plugins
  }
  get database(): RunningServer['database'] {
    return this.running.database
  }
  get ports(): RunningServer['ports'] {
    return this.running.ports
  }
  get config(): RunningServer['config'] {
    return this.running.config
  }
  get adminToken(): string {
    return this.config.admin.token ?? ADMIN_TOKEN
  }

  /** Where the admin API listens. */
  get url(): string {
    return `http://127.0.0.1:${this.ports.admin}`
  }

  /** A connection that has said nothing yet. */
  async connect(options: ConnectOptions = {}): Promise<TestStream> {
    const port = options.direct ? this.ports.directTls : this.ports.c2s
    if (port === undefined) throw new Error('this server has no port for direct TLS')
    const from = options.from === undefined ? {} : { from: options.from }
    const stream = await TestStream.connect({ port, domain: this.config.domain, tls: options.direct ?? false, ...from })
    this.#streams.push(stream)
    if (options.tls) {
      await stream.open()
      await stream.startTls()
    }
    return stream
  }

  /** Logs in, after making the account if there is none. When it resolves, initial presence was handled; its echo is taken out of the queue. */
  async login(name: string, options: LoginOptions = {}): Promise<TestClient> {
    const password = options.password ?? name
    await this.#ensureAccount(name, password)
    const stream = await this.connect()
    stream.label = name
    await stream.open()
    await stream.authenticate('PLAIN', name, password)
    await stream.open()
    const client = new TestClient(stream, await stream.bind(options.resource))
    if (options.available ?? true) {
      client.send(element('presence'))
      await client.sync()
      stream.discard((el) => el.getName() === 'presence' && el.attrs.from === client.jid.toString())
    }
    return client
  }

  /** Calls the admin API as administrator. @param path such as `/api/v1/users` */
  admin(path: string, init: AdminInit = {}): Promise<Response> {
    const { json, ...rest } = init
    const headers = new Headers(init.headers)
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${this.adminToken}`)
    if (json === undefined) return fetch(this.url + path, { ...rest, headers })
    headers.set('content-type', 'application/json')
    return fetch(this.url + path, { ...rest, headers, body: JSON.stringify(json) })
  }

  /** From now on the database is slow or fails, for one plugin or for all, until the fault is mended. */
  breakDatabase(fault: DatabaseFault): ActiveFault {
    if (!this.#parts.faults) throw new Error('this server was not started by startTestServer')
    return this.#parts.faults.add(fault)
  }

  /** Writes down what these clients say and hear from now on. @param clients by the names they shall have in it */
  transcript(clients: Readonly<Record<string, TestClient>>): Transcript {
    return new Transcript(clients)
  }

  /** Stops the server; the data stays until the test is over. Once is enough: the end of the test does no more. */
  stop(): Promise<void> {
    this.#stopped ??= this.running.stop()
    return this.#stopped
  }

  /** Cuts what the test left open. */
  dropConnections(): void {
    for (const stream of this.#streams) stream.drop()
  }

  async #ensureAccount(name: string, password: string): Promise<void> {
    const username = Jid.parse(`${name}@${this.config.domain}`).local
    if (await this.accounts.find(username)) return
    try {
      await this.accounts.create({ username, password })
    } catch (error) {
      // Two clients of the same user may log in at the same time.
      if (!(error instanceof AccountConflict)) throw error
    }
  }
}

/** Starts a server that ends with `t`. Give it another's `dataFolder` by `config` to see what that one left there. */
export async function startTestServer(t: TestScope, options: TestServerOptions = {}): Promise<TestServer> {
  const { startServer } = await import('@beaconfire/core/server')
  const dataFolder = options.config?.dataFolder ?? (await mkdtemp(join(tmpdir(), 'beaconfire-test-')))
  const database = options.database === 'memory' ? { filename: ':memory:' } : (options.database ?? {})
  const config = merge({ ...DEFAULTS, dataFolder, database }, options.config) as TestConfig
  const faults = new DatabaseFaults()
  const clock = options.clock && VirtualClock.install(options.clock === 'virtual' ? undefined : options.clock)
  let server: TestServer | undefined
  t.after(async () => {
    faults.mendAll()
    clock?.uninstall() // stopping may take time
    server?.dropConnections()
    await server?.stop()
    await rm(dataFolder, { recursive: true, force: true })
  })
  const running = await startServer({
    config,
    overDatabase: (database) => faults.over(database),
    ...(options.log && { log: options.log }),
    ...(options.plugins && { plugins: [...options.plugins] }),
  })
  server = new TestServer(running, dataFolder, { faults, clock })
  return server
}

/** Lays `over` on `base`, object by object; arrays and values are replaced. */
function merge(base: Readonly<Record<string, unknown>>, over: object = {}): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    if (value !== undefined) merged[key] = isPlain(below) && isPlain(value) ? merge(below, value) : value
  }
  return merged
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
