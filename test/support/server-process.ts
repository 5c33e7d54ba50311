/** The server as its operator runs it: a process of its own, with a folder of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TestClient, type TestConfig, type TestScope, TestStream } from '@beaconfire/plugin-sdk/testing'

const MAIN = fileURLToPath(new URL('../../core/main.ts', import.meta.url))
const BUILD = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))
/** Compiled by the first server that asks to be. */
export const COMPILED_MAIN = fileURLToPath(new URL('../../dist/core/main.js', import.meta.url))
/** By address: the working folder of the process has no node_modules. */
const TSX = import.meta.resolve('tsx')
/** From start to the `ready` line, on a machine that does much else. */
const START_LIMIT_MS = 60_000
const ADMIN_TOKEN = 'token-of-the-test-process'
const DEFAULT_DOMAIN = 'localhost'
let compiling: Promise<unknown> | undefined

export interface Ports {
  readonly c2s: number
  readonly directTls: number | undefined
  readonly admin: number
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerProcessOptions {
  /** Laid over the process's own; keys of the top level are replaced whole. */
  readonly config?: TestConfig
  readonly env?: Readonly<Record<string, string>>
  /** Folder of a server before, to start again on its data. */
  readonly folder?: string
  /** Compiles the tree first (once in a process) and runs that, as `npm start` does; otherwise the sources run. */
  readonly isCompiled?: boolean
  /** Told of the process before it is ready. */
  readonly spawned?: (pid: number) => void
}

export class ServerProcess {
  readonly ports: Ports
  /** Working folder; the data are in `data`, dropped-in plugins in `plugins`. */
  readonly folder: string
  readonly adminToken = ADMIN_TOKEN
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #output: readonly string[]
  readonly #streams: TestStream[] = []

  constructor(started: { child: ChildProcess; output: readonly string[]; exited: Promise<Exit>; ports: Ports; folder: string }) {
    this.#child = started.child
    this.#output = started.output
    this.exited = started.exited
    this.ports = started.ports
    this.folder = started.folder
  }

  /** Everything the process has printed. */
  get log(): string {
    return this.#output.join('')
  }
  get pid(): number {
    return this.#child.pid as number
  }
  get url(): string {
    return `http://127.0.0.1:${this.ports.admin}`
  }
  /** PEM file of the development certificate, to be trusted by clients. */
  get certificate(): string {
    return join(this.folder, 'data', 'tls', 'development-certificate.pem')
  }

  admin(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${this.adminToken}`)
    return fetch(this.url + path, { ...init, headers })
  }

  /** Each with its name as password. @throws (rejects) with what the server answered */
  async createUsers(...usernames: readonly string[]): Promise<void> {
    for (const username of usernames) {
      const body = JSON.stringify({ username, password: username })
      const answer = await this.admin('/api/v1/users', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      if (answer.status !== 201) throw new Error(`user ${username} could not be made: ${await answer.text()}`)
    }
  }

  /** Logs in over direct TLS, with the name as password; initial presence is the test's to send. Cut off when the test ends. */
  async login(name: string, resource?: string): Promise<TestClient> {
    const { directTls: port } = this.ports
    if (port === undefined) throw new Error('this server has no port for direct TLS')
    const stream = await TestStream.connect({ port, domain: DEFAULT_DOMAIN, tls: true })
    this.#streams.push(stream)
    await stream.open()
    await stream.authenticate('SCRAM-SHA-1', name, name)
    await stream.open()
    return new TestClient(stream, await stream.bind(resource))
  }

  dropConnections(): void {
    for (const stream of this.#streams) stream.drop()
  }

  /** Asks the server to end, as a service manager does. */
  stop(): Promise<Exit> {
    this.#child.kill('SIGTERM')
    return this.exited
  }

  /** kill -9: nothing is flushed that was not. */
  kill(): Promise<Exit> {
    this.#child.kill('SIGKILL')
    return this.exited
  }
}

/** Starts a server process and waits until it is ready. It is killed, and its folder removed, when `t` ends. */
export async function startServerProcess(t: TestScope, options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'beaconfire-process-')))
  const configFile = join(folder, 'beaconfire.yaml')
  const config: TestConfig = {
    c2s: { host: '127.0.0.1', port: 0, directTlsPort: -1 },
    admin: { port: 0, token: ADMIN_TOKEN },
    ...options.config,
  }
  await writeFile(configFile, JSON.stringify(config))
  const output: string[] = []
  if (options.isCompiled) await (compiling ??= promisify(execFile)(process.execPath, ['--import', TSX, BUILD]))
  const child = spawn(process.execPath, options.isCompiled ? [COMPILED_MAIN] : ['--import', TSX, MAIN], {
    cwd: folder,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, BEACONFIRE_CONFIG: configFile, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid !== undefined) options.spawned?.(child.pid)
  const exited = new Promise<Exit>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  let server: ServerProcess | undefined
  t.after(async () => {
    server?.dropConnections()
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  })
  server = new ServerProcess({ child, output, exited, ports: await whenReady(child, output), folder })
  return server
}

function whenReady(child: ChildProcess, output: string[]): Promise<Ports> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the server ${why}; it printed:\n${output.join('')}`))
    const limit = setTimeout(() => fail(`was not ready within ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      fail(`ended with ${signal ?? code} before it was ready`)
    })
    const read = (chunk: Buffer) => {
      output.push(chunk.toString())
      const ready = /^ready (\{.*\})$/m.exec(output.join(''))
      if (!ready) return
      clearTimeout(limit)
      child.stdout?.off('data', read).on('data', (later: Buffer) => output.push(later.toString()))
      resolve(JSON.parse(ready[1] as string) as Ports)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  })
}
