/** The server under test: a process that is ended and started again on its data, on whatever port is free. */
import { readFileSync } from 'node:fs'
import type { TestConfig, TestScope } from '@beaconfire/plugin-sdk/testing'
import { type Exit, type ServerProcess, startServerProcess } from '../support/server-process.js'
import type { ServerAddress } from './client.js'
import { RESUME_SECONDS } from './recipients.js'

const MEMORY_PERIOD_MS = 200

export interface CrashServerOptions {
  readonly durability: 'strict' | 'fast'
  readonly database: TestConfig['database']
  /** Its own folder's unless given. */
  readonly dataFolder?: string | undefined
}

export class CrashServer implements ServerAddress {
  readonly #scope: TestScope
  readonly #config: TestConfig
  #process: ServerProcess | undefined
  #upSince: number | undefined
  #highestRss = 0
  readonly #sampling: NodeJS.Timeout

  constructor(scope: TestScope, { durability, database, dataFolder }: CrashServerOptions) {
    this.#scope = scope
    this.#config = {
      durability,
      database,
      ...(dataFolder === undefined ? {} : { dataFolder }),
      c2s: { host: '127.0.0.1', port: 0, directTlsPort: 0, tls: 'disabled', plainWithoutTls: true },
      streamManagement: { resumeSeconds: RESUME_SECONDS },
      limits: { enabled: false },
      plugins: { settings: { 'offline-storage': { policy: 'store' } } },
    }
    this.#sampling = setInterval(() => this.#sample(), MEMORY_PERIOD_MS)
    scope.after(async () => clearInterval(this.#sampling))
  }

  get port(): number {
    return this.#process?.ports.c2s ?? 1
  }
  get upSince(): number | undefined {
    return this.#upSince
  }
  /** In MiB, of all processes so far. */
  get highestRss(): number {
    return Math.round(this.#highestRss / 1024)
  }
  get folder(): string {
    return this.#running.folder
  }
  get pid(): number {
    return this.#running.pid
  }
  /** What the present process has printed. */
  get log(): string {
    return this.#process?.log ?? ''
  }

  /** @param spawned told of the process before it is ready @throws when it ends before it is ready */
  async start(spawned?: (pid: number) => void): Promise<void> {
    const folder = this.#process?.folder
    const options = { config: this.#config, isCompiled: true, ...(folder ? { folder } : {}), ...(spawned ? { spawned } : {}) }
    this.#process = await startServerProcess(this.#scope, options)
    this.#upSince = performance.now()
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> {
    this.#upSince = undefined
    return signal === 'SIGKILL' ? this.#running.kill() : this.#running.stop()
  }

  createUsers(usernames: readonly string[]): Promise<void> {
    return this.#running.createUsers(...usernames)
  }

  get #running(): ServerProcess {
    if (!this.#process) throw new Error('the server was never started')
    return this.#process
  }

  #sample(): void {
    if (this.#upSince === undefined) return
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
      this.#highestRss = Math.max(this.#highestRss, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0))
    } catch {
      // ended just now, or another system than Linux
    }
  }
}
