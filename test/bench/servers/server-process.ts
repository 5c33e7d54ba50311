/** A server as a child process: started on its core, awaited, ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 20_000
/** Peers do not raise their own limit of open files, and a connection is one. */
const RAISE_FILES = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"'

export interface ProcessOptions {
  readonly command: readonly [string, ...string[]]
  readonly folder: string
  /** Working directory; the folder unless given. */
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly core?: number
}

export class ServerProcess {
  readonly #child: ChildProcess
  readonly #log: string
  readonly #name: string

  constructor({ command, folder, cwd, env, core }: ProcessOptions) {
    this.#name = command[0]
    this.#log = join(folder, 'output.log')
    const output = openSync(this.#log, 'w')
    const [program, ...args] = pinned(core, ['sh', '-c', RAISE_FILES, 'sh', ...command])
    // A group of its own: an interrupt in the terminal ends the bench, which then ends its servers in order.
    this.#child = spawn(program, args, { cwd: cwd ?? folder, env: env ?? process.env, stdio: ['ignore', output, output], detached: true })
    closeSync(output)
    this.#child.on('error', () => {}) // shows as a process that has ended
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} could not be started`)
    return this.#child.pid
  }

  output(): string {
    return readFileSync(this.#log, 'utf8')
  }

  /** Polls until `ready` holds. @throws when the process ends or takes too long, with the end of its output */
  async until<Value>(ready: () => Promise<Value | undefined>): Promise<Value> {
    const deadline = performance.now() + START_LIMIT_MS
    while (this.#isRunning && performance.now() < deadline) {
      const value = await ready()
      if (value !== undefined) return value
      await sleep(50)
    }
    const end = this.output().split('\n').slice(-15).join('\n')
    await this.stop()
    throw new Error(`${this.#name} did not start:\n${end}`)
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill('SIGTERM')
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS)
    await ended
    clearTimeout(impatient)
  }

  get #isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }
}

/** The command line that keeps a process on one core. */
export function pinned(core: number | undefined, command: readonly [string, ...string[]]): [string, ...string[]] {
  return core === undefined ? [...command] : ['taskset', '-c', String(core), ...command]
}

/** A port nobody has now; peers cannot say which one they took. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port'))))
    })
  })
}

/** True, or undefined while nobody listens. */
export function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(undefined))
  })
}
