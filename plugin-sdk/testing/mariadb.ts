/** A private MariaDB for tests: its own folder, a socket and no port, gone when the test is. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { findProgram } from './programs.js'
import type { TestScope } from './test-server.js'

export interface MariaDbConnection {
  readonly socketPath: string
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface MariaDb {
  /** A fresh utf8mb4 database. */
  readonly connection: MariaDbConnection
  /** Another one, on the same server. */
  freshDatabase(): Promise<MariaDbConnection>
  /** Shuts the server down, its data kept. */
  stop(): Promise<void>
  /** kill -9: nothing is flushed that was not. */
  kill(): Promise<void>
  /** Starts it again, whether it was stopped or not. */
  restart(): Promise<void>
}

const PROGRAM = 'mariadbd'
/** Comes with the server. */
const CLIENT = 'mariadb'
export const MARIADB_MISSING = 'needs mariadbd: apt-get install mariadb-server'
const START_TIMEOUT_MS = 30_000

export function isMariaDbInstalled(): boolean {
  return findProgram({ name: PROGRAM }) !== undefined
}

/**
 * Starts in about a second; share one per file. Where the program is missing the test is skipped, or fails under CI.
 * @param parent where its folder goes, such as a disk that is to become full
 * @param options of the server, besides those it needs, such as `--lower-case-table-names=1`
 * @returns undefined when the test was skipped
 */
export async function startMariaDb(
  t: TestScope & { skip?(reason: string): void },
  parent: string = tmpdir(),
  options: readonly string[] = [],
): Promise<MariaDb | undefined> {
  const program = findProgram({ name: PROGRAM })
  if (!program) {
    if (process.env.CI || !t.skip) throw new Error(MARIADB_MISSING)
    t.skip(MARIADB_MISSING)
    return undefined
  }
  const folder = await mkdtemp(join(parent, 'beaconfire-mariadb-'))
  const server = new PrivateServer(program, folder, options)
  t.after(async () => {
    await server.kill()
    await rm(folder, { recursive: true, force: true })
  })
  await server.install()
  await server.start()
  return {
    connection: await server.freshDatabase(),
    freshDatabase: () => server.freshDatabase(),
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: async () => {
      await server.stop()
      await server.start()
    },
  }
}

class PrivateServer {
  readonly #program: string
  readonly #data: string
  readonly #socket: string
  readonly #options: readonly string[]
  #process: ChildProcess | undefined

  constructor(program: string, folder: string, options: readonly string[]) {
    this.#program = program
    this.#data = join(folder, 'data')
    this.#socket = join(folder, 'socket') // a path of a socket may not be longer than 107 bytes
    // root may run it only when told so; any other user needs no telling
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    // its temporary tables have the names of those of any other instance with the same process id, as in another container
    const temporary = `--tmpdir=${folder}`
    this.#options = ['--no-defaults', ...user, `--datadir=${this.#data}`, temporary, '--innodb-log-file-size=8M', ...options]
  }

  async install(): Promise<void> {
    const installer = findProgram({ name: 'mariadb-install-db' }) ?? 'mariadb-install-db'
    await promisify(execFile)(installer, [...this.#options, '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'])
  }

  /** Resolves when the server says that it takes connections. */
  async start(): Promise<void> {
    const network = ['--skip-networking', `--socket=${this.#socket}`, `--pid-file=${this.#socket}.pid`]
    const child = spawn(this.#program, [...this.#options, ...network, '--innodb-buffer-pool-size=32M'], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    const said: string[] = []
    const ready = deferred<void>()
    const timer = setTimeout(() => ready.reject(new Error(`${PROGRAM} did not start:\n${said.join('\n')}`)), START_TIMEOUT_MS)
    child.once('error', ready.reject)
    child.once('exit', (code) => ready.reject(new Error(`${PROGRAM} ended with ${code}:\n${said.join('\n')}`)))
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (said.length < 200) said.push(line)
      if (line.includes('ready for connections')) ready.resolve()
    })
    try {
      await ready.promise
    } finally {
      clearTimeout(timer)
    }
  }

  async freshDatabase(): Promise<MariaDbConnection> {
    const account = { socketPath: this.#socket, user: 'root', password: '' }
    const database = `beaconfire_${randomUUID().slice(0, 8)}`
    const login = ['--no-defaults', `--socket=${account.socketPath}`, `--user=${account.user}`]
    await promisify(execFile)(CLIENT, [...login, '--execute', `create database ${database} character set utf8mb4`])
    return { ...account, database }
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
}

/** Node 20 has no `Promise.withResolvers`. */
function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((onDone, onFailed) => {
    resolve = onDone
    reject = onFailed
  })
  return { promise, resolve, reject }
}
