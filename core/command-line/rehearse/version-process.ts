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

export class VersionProcess {
  readonly #label: string
  readonly #child: ChildProcess
  readonly #timeoutMs: number
  #output = ''
  #settle: { resolve(message: FromVersion): void; reject(error: Error): void } | undefined
  #over: string | undefined

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
    this.#child.on('close', (code, signal) => this.#ended(`its process ended by itself (${signal ?? `exit code ${code}`})`))
  }

  /** @throws RehearsalImpossible that says what is wrong with the version */
  async load(request: VersionRequest): Promise<LoadedVersion> {
    await this.#wait('listening', LOAD_LIMIT_MS, 'it is started')
    const answer = await this.#ask({ kind: 'load', request }, LOAD_LIMIT_MS, 'it is loaded')
    if (answer.kind === 'failed') throw new RehearsalImpossible(`${this.#label}: ${answer.message}`)
    if (answer.kind !== 'loaded') throw this.#nonsense()
    return answer.loaded
  }

  /** @throws RehearsalImpossible when it hangs, or its process has ended */
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
    if (this.#over !== undefined) return
    const gone = new Promise<void>((resolve) => this.#child.once('close', () => resolve()))
    this.#child.kill('SIGKILL')
    await gone
  }

  async #ask(message: ToVersion, limitMs: number, what: string): Promise<FromVersion> {
    // Where it cannot be sent the process is gone, and its end says why.
    if (this.#over === undefined) this.#child.send(message, () => undefined)
    return this.#wait(undefined, limitMs, what)
  }

  async #wait(kind: FromVersion['kind'] | undefined, limitMs: number, what: string): Promise<FromVersion> {
    if (this.#over !== undefined) throw new RehearsalImpossible(this.#over)
    let timer: NodeJS.Timeout | undefined
    try {
      const message = await new Promise<FromVersion>((resolve, reject) => {
        this.#settle = { resolve, reject }
        timer = setTimeout(() => reject(new RehearsalImpossible(this.#named(`has not answered for ${limitMs / 1000} s while ${what}`))), limitMs)
      })
      if (kind !== undefined && message.kind !== kind) throw this.#nonsense()
      return message
    } finally {
      clearTimeout(timer)
      this.#settle = undefined
    }
  }

  /** What nobody waits for is not the version's to say. */
  #said(message: FromVersion): void {
    this.#settle?.resolve(message)
  }

  #ended(how: string): void {
    this.#over ??= this.#named(how)
    this.#settle?.reject(new RehearsalImpossible(this.#over))
  }

  #nonsense(): RehearsalImpossible {
    return new RehearsalImpossible(this.#named('its process said something that nobody had asked for'))
  }

  #named(what: string): string {
    const output = this.#output.trim()
    return `${this.#label}: ${what}${output === '' ? '' : `; the last it printed:\n${output.replace(/[^\P{Cc}\n\t]/gu, '\ufffd')}`}`
  }
}
