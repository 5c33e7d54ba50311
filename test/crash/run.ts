/** One run: clients send and receive while the server, or what it stands on, fails again and again; then all is counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CrashServer } from './crash-server.js'
import { type Figures, Ledger } from './ledger.js'
import { Random } from './random.js'
import { type RecipientActor, recipients } from './recipients.js'
import { Scope } from './scope.js'
import { Sender } from './sender.js'
import { type Engine, type Fault, openStorage, type Storage, smallDisk } from './storage.js'

export const SCENARIOS = ['kill', 'term', 'database', 'full-disk'] as const
export type ScenarioName = (typeof SCENARIOS)[number]

export interface RunOptions {
  readonly scenario: ScenarioName
  readonly engine: Engine
  readonly durability: 'strict' | 'fast'
  /** How often the server is ended, or the fault comes. */
  readonly kills: number
  readonly seed: number
  /** How long a fault of the storage lasts at least and at most, in seconds. */
  readonly leastOutageSeconds: number
  readonly outageSeconds: number
}

export interface RunEvents {
  doing(text: string, done: number, all: number): void
  /** True: no further round, and all is counted. */
  isInterrupted(): boolean
}

export interface RunResult {
  readonly figures: Figures
  readonly faults: readonly string[]
  /** Fewer than were wanted after an interrupt. */
  readonly rounds: number
  /** Of the server at most, in MiB. */
  readonly highestRss: number
  readonly seconds: number
}

const SENDERS = 4
const RECIPIENTS_OF_EACH_ROLE = 2
/** Of the kills, those that come before the server has started. */
const EARLY = 0.1
/** Of the others, those that do not wait for the traffic to be back. */
const BLIND = 0.2
const LONGEST_START_MS = 1500
const LONGEST_LIFE_MS = 800
/** The server has so long to be of use again after a fault, and to hand over everything at the end, in ms. */
const RECOVERY_LIMIT_MS = 60_000
/** After the last message, for those that nobody should get; and for those that are missing, in ms. */
const QUIET_MS = 1500
const SILENCE_MS = 20_000
const STEP_MS = 20

/** Why a run cannot be made here. */
export class NotPossible extends Error {}

/** @throws NotPossible where the machine lacks something @throws when the server does not recover */
export async function run(options: RunOptions, events: RunEvents): Promise<RunResult> {
  const scope = new Scope()
  try {
    return await new Run(options, events, await storageFor(scope, options), scope).run()
  } finally {
    await scope.end()
  }
}

async function storageFor(scope: Scope, { scenario, engine }: RunOptions): Promise<Storage> {
  if (scenario !== 'full-disk') return openStorage(scope, engine)
  const disk = await smallDisk(scope, engine)
  if (!disk) throw new NotPossible('a full disk needs the right to mount a small tmpfs (root)')
  return disk
}

class Run {
  readonly #options: RunOptions
  readonly #events: RunEvents
  readonly #random: Random
  readonly #ledger = new Ledger()
  readonly #server: CrashServer
  readonly #faults: readonly Fault[]
  readonly #recipients: readonly RecipientActor[]
  readonly #senders: readonly Sender[]
  readonly #trouble: string[] = []

  constructor(options: RunOptions, events: RunEvents, storage: Storage, scope: Scope) {
    this.#options = options
    this.#events = events
    this.#faults = storage.faults
    this.#random = new Random(options.seed)
    this.#server = new CrashServer(scope, { durability: options.durability, database: storage.config, dataFolder: storage.dataFolder })
    const shared = { server: this.#server, ledger: this.#ledger, random: this.#random }
    this.#recipients = recipients(shared, RECIPIENTS_OF_EACH_ROLE)
    this.#senders = Array.from(
      { length: SENDERS },
      (_, at) => new Sender(`sender${at}`, this.#server, { ledger: this.#ledger, random: this.#random.fork(), recipients: this.#recipients }),
    )
  }

  async run(): Promise<RunResult> {
    const startedAt = performance.now()
    this.#events.doing('starting', 0, this.#options.kills)
    await this.#server.start()
    await this.#server.createUsers([...this.#recipients.map((it) => it.username), ...this.#senders.map((_, at) => `sender${at}`)])
    const actors = [...this.#recipients, ...this.#senders]
    const running = Promise.all(actors.map((it) => it.run()))
    let done = 0
    for (; done < this.#options.kills && !this.#events.isInterrupted(); done++) {
      this.#events.doing(`${this.#ledger.acknowledged} messages acknowledged`, done, this.#options.kills)
      await this.#round(done)
    }
    await this.#finish()
    for (const actor of actors) actor.stop()
    await running
    const { code, signal } = await this.#server.end('SIGTERM')
    if (code !== 0) this.#trouble.push(`the server ended with ${signal ?? code} when it was told to end`)
    const figures = this.#ledger.figures()
    return {
      figures,
      rounds: done,
      faults: [...this.#ledger.faults, ...this.#trouble],
      highestRss: this.#server.highestRss,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    }
  }

  #round(number: number): Promise<void> {
    switch (this.#options.scenario) {
      case 'kill':
        return this.#endServer('SIGKILL')
      case 'term':
        return this.#endServer('SIGTERM')
      case 'database':
      case 'full-disk':
        return this.#fail(this.#faults[number % this.#faults.length] as Fault)
    }
  }

  async #endServer(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.#random.isTrue(BLIND)) await this.#untilTraffic()
    await sleep(this.#random.between(0, LONGEST_LIFE_MS))
    const { code } = await this.#server.end(signal)
    if (signal === 'SIGTERM' && code !== 0) this.#trouble.push(`told to end, the server ended with ${code}`)
    if (signal === 'SIGKILL' && this.#random.isTrue(EARLY)) await this.#killAtStart()
    await this.#server.start()
  }

  /** While it reads back what the kill before has left, if the moment is right. */
  async #killAtStart(): Promise<void> {
    const after = this.#random.between(100, LONGEST_START_MS)
    let timer: NodeJS.Timeout | undefined
    const kill = (pid: number) => {
      timer = setTimeout(() => process.kill(pid, 'SIGKILL'), after)
    }
    const isReady = await this.#server.start(kill).then(
      () => true,
      () => false, // as was intended
    )
    clearTimeout(timer)
    if (isReady) await this.#server.end('SIGKILL')
  }

  async #fail(fault: Fault): Promise<void> {
    await this.#untilTraffic()
    await sleep(this.#random.between(0, LONGEST_LIFE_MS))
    await fault.begin()
    const { leastOutageSeconds, outageSeconds } = this.#options
    await sleep(this.#random.between(leastOutageSeconds * 1000, Math.max(leastOutageSeconds, outageSeconds) * 1000))
    await fault.end()
    await this.#untilTraffic(fault.name)
  }

  /** Until messages are acknowledged. @throws when none is, for too long */
  async #untilTraffic(after = 'a start'): Promise<void> {
    const before = this.#ledger.acknowledged
    await this.#until(() => this.#ledger.acknowledged > before, `nothing was acknowledged after ${after}`)
  }

  /** All are told and come; what is missing then is lost. */
  async #finish(): Promise<void> {
    const { kills } = this.#options
    this.#events.doing('all come online and get what was kept', kills, kills)
    for (const it of this.#senders) it.finish()
    for (const it of this.#recipients) it.stay()
    await this.#until(() => this.#senders.every((it) => it.waiting === 0), 'senders wait for acknowledgements')
    await this.#until(() => this.#recipients.every((it) => it.isReady), 'recipients cannot log in')
    await this.#untilSilent()
  }

  /** What is missing after nothing came for long will not come; of what is not missing something may come again. */
  async #untilSilent(): Promise<void> {
    let copies = this.#ledger.copies
    let since = performance.now()
    for (;;) {
      await sleep(STEP_MS)
      const now = performance.now()
      if (this.#ledger.copies !== copies) {
        copies = this.#ledger.copies
        since = now
      }
      if (now - since > SILENCE_MS || (now - since > QUIET_MS && this.#ledger.missing().length === 0)) return
    }
  }

  async #until(condition: () => boolean, otherwise: string): Promise<void> {
    const deadline = performance.now() + RECOVERY_LIMIT_MS
    while (!condition()) {
      if (performance.now() > deadline)
        throw new Error(`${otherwise} within ${RECOVERY_LIMIT_MS / 1000} s; the server said:\n${this.#server.log.slice(-4000)}`)
      await sleep(STEP_MS)
    }
  }
}
