/** One version of a plugin in a process of its own: one that ends, hangs or says nonsense costs the rehearsal, and is named. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Passage, PassageOutcome, VersionSummary } from './passage.js'
import { RehearsalImpossible } from './rehearsal-options.js'
import type { FromVersion, LoadedVersion, ToVersion, VersionRequest } from './version-messages.js'

const IS_SOURCE = import.meta.url.endsWith('.ts')
const WORKER = fileURLToPath(new URL(`./version-main.${IS_SOURCE ? 'ts' : 'js'}`, import.meta.url))
/** An import that compiles, a start and those of what it requires, on a machine that does much else. */
const LOAD_LIMIT_MS = 60_000
const SHOWN_OUTPUT = 2000

/** What a stanza came to, or that it could not be read. */
export type Answer = { readonly outcome: PassageOutcome } | { readonly unreadable: string }

interface Question {
  readonly limitMs: number
  /** What is done meanwhile, in words. */
  readonly what: string
  resolve(message: FromVersion): void
  reject(error: Error): void
}

export class VersionProcess {
  readonly #label: string
  readonly #child: ChildProcess
  readonly #timeoutMs: number
  #output = ''
  readonly #asked: Question[] = []
  #timer: NodeJS.Timeout | undefined
  /** Why nothing more can be asked. */
  #over: string | undefined
  #isGone = false

  /** @param label such as `the new version of plugin "shout"` */
  constructor(label: string, timeoutMs: number, env: NodeJS.ProcessEnv) {
    this.#label = label
    this.#timeoutMs = timeoutMs
    const execArgv = ['--disable-warning=ExperimentalWarning', ...(IS_SOURCE ? ['--import', import.meta.resolve('tsx')] : [])]
    this.#child = fork(WORKER, [], { execArgv, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-SHOWN_OUTPUT)
      })
    }
    this.#child.on('message', (message: FromVersion) => this.#said(message))
    this.#child.on('error', (error) => this.#ended(`its process could not be run: ${error.message}`))
    // After `exit` what it printed may still be on its way.
    this.#child.on('close', (code, signal) => {
      this.#isGone = true
      this.#ended(`its process ended by itself (${signal ?? `exit code ${code}`})`)
    })
  }

  /** @throws RehearsalImpossible that says what is wrong with the version */
  async load(request: VersionRequest): Promise<LoadedVersion> {
    const first = await this.#ask(undefined, LOAD_LIMIT_MS, 'it is started')
    if (first.kind !== 'listening') throw this.#nonsense()
    const answer = await this.#ask({ kind: 'load', request }, LOAD_LIMIT_MS, 'it is loaded')
    if (answer.kind === 'failed') throw new RehearsalImpossible(`${this.#label}: ${answer.message}`)
    if (answer.kind !== 'loaded') throw this.#nonsense()
    return answer.loaded
  }

  /** Several may be asked for at once. @throws RehearsalImpossible when it hangs, or its process has ended */
  async take(passage: Passage): Promise<Answer> {
    const answer = await this.#ask({ kind: 'passage', passage }, this.#timeoutMs, `stanza ${passage.id} is handled`)
    if (answer.kind === 'unreadable') return { unreadable: answer.message }
    if (answer.kind !== 'outcome' || !Array.isArray(answer.outcome?.stages) || !Array.isArray(answer.outcome.missed)) throw this.#nonsense()
    return { outcome: answer.outcome }
  }

  async end(): Promise<VersionSummary> {
    const answer = await this.#ask({ kind: 'end' }, this.#timeoutMs, 'it is stopped')
    if (answer.kind !== 'ended') throw this.#nonsense()
    return answer.summary
  }

  /** Ends the process, whatever it does. Resolves when it is gone. */
  async kill(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isGone || this.#child.pid === undefined) return
    const gone = new Promise<void>((resolve) => this.#child.once('close', () => resolve()))
    this.#child.kill('SIGKILL')
    await gone
  }

  /** Answers come in the order of what was asked, and each has its time from when the one before it came. */
  #ask(message: ToVersion | undefined, limitMs: number, what: string): Promise<FromVersion> {
    if (this.#over !== undefined) return Promise.reject(new RehearsalImpossible(this.#over))
    return new Promise((resolve, reject) => {
      this.#asked.push({ limitMs, what, resolve, reject })
      if (this.#asked.length === 1) this.#watch()
      // Where it cannot be sent the process is gone, and its end says why.
      if (message) this.#child.send(message, () => undefined)
    })
  }

  #watch(): void {
    clearTimeout(this.#timer)
    const [first] = this.#asked
    if (!first) return
    const { limitMs, what } = first
    this.#timer = setTimeout(() => this.#ended(`has not answered for ${limitMs / 1000} s while ${what}`), limitMs)
  }

  /** What nobody waits for is not the version's to say. */
  #said(message: FromVersion): void {
    this.#asked.shift()?.resolve(message)
    this.#watch()
  }

  /** The first who waits is told; the others were waiting for nothing. */
  #ended(how: string): void {
    this.#over ??= this.#named(how)
    for (const { reject } of this.#asked.splice(0)) reject(new RehearsalImpossible(this.#over))
    this.#watch()
  }

  #nonsense(): RehearsalImpossible {
    return new RehearsalImpossible(this.#named('its process said something that nobody had asked for'))
  }

  #named(what: string): string {
    const output = this.#output.trim()
    return `${this.#label}: ${what}${output === '' ? '' : `; the last it printed:\n${output.replace(/[^\P{Cc}\n\t]/gu, '\ufffd')}`}`
  }
}
