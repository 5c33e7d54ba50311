/** All rounds: every scenario on every server in turn, so that what else the machine does meets them alike. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchAccounts, GeneratorRequest, GeneratorResult, Workload } from '../generator/request.js'
import { calibrate } from '../measure/calibration.js'
import { hasProcessFigures, treeCpuSeconds } from '../measure/process-tree.js'
import { isPeer } from '../report/figures.js'
import { needsOf, type Scenario, workloadFor } from '../scenarios.js'
import type { BenchServer, StartedServer } from '../servers/bench-server.js'
import { runGenerator } from './generator-process.js'
import type { Placement } from './placement.js'
import type { RunRecord } from './run-record.js'
import { type Needs, Templates } from './templates.js'

const SETTLE_MS = 500
const RUN_LIMIT_SECONDS = 300
/** A server has started when it uses less than this share of a core for so long; it is not waited for for ever. */
const QUIET_SHARE = 0.05
const QUIET_STEP_MS = 500
const QUIET_STEPS = 12

export interface BenchOptions {
  readonly servers: readonly BenchServer[]
  readonly scenarios: readonly Scenario[]
  readonly placement: Placement
  readonly domain: string
  readonly quick: boolean
  readonly accounts: BenchAccounts
  readonly register: boolean
  /** Keeps data folders with accounts over calls. */
  readonly templatesFolder: string
  /** Of one run, emptied before each. */
  readonly workFolder: string
}

export interface BenchEvents {
  /** Before a run or anything else that takes time. */
  doing(text: string, done: number, all: number): void
  /** More of what is being done. */
  detail(text: string): void
  ran(record: RunRecord): void
  calibrated(score: number): void
}

interface Step {
  readonly scenario: Scenario
  readonly server: BenchServer
  readonly round: number
}

export class Bench {
  readonly #options: BenchOptions
  readonly #events: BenchEvents
  readonly #templates: Templates
  #running: StartedServer | undefined

  constructor(options: BenchOptions, events: BenchEvents) {
    this.#options = options
    this.#events = events
    this.#templates = new Templates({
      folder: options.templatesFolder,
      domain: options.domain,
      core: options.placement.server,
      register: options.register,
      request: (server, workload, keys) => this.#request(server, workload, keys),
      generate: (request) => this.#generate(request),
      started: (server) => void (this.#running = server),
    })
  }

  /** @throws when a server does not start or cannot be given its accounts; what fails later is in the records */
  async run(rounds: number, scenarios = this.#options.scenarios, firstRound = 1): Promise<void> {
    const { servers } = this.#options
    const steps: Step[] = []
    for (let round = firstRound; round < firstRound + rounds; round++) {
      for (const scenario of scenarios) {
        for (const server of servers) if (canRun(server, scenario)) steps.push({ scenario, server, round })
      }
    }
    for (const server of servers) {
      this.#events.doing(`accounts of ${server.name}`, 0, steps.length)
      for (const scenario of scenarios) if (canRun(server, scenario)) await this.#templates.provide(server, this.#needs(server, scenario))
    }
    let calibratedRound = 0
    for (const [done, step] of steps.entries()) {
      if (step.round !== calibratedRound) {
        calibratedRound = step.round
        this.#events.doing(`round ${step.round}: calibration`, done, steps.length)
        this.#events.calibrated(calibrate(this.#options.placement.server))
      }
      this.#events.doing(`round ${step.round}: ${step.scenario.name} on ${step.server.name}`, done, steps.length)
      this.#events.ran(await this.#runStep(step))
    }
  }

  /** For an interrupt: the server that runs now is ended. */
  async abort(): Promise<void> {
    await this.#running?.stop()
  }

  /** With the accounts of all scenarios that need the same contacts: they are made once. */
  #needs(server: BenchServer, scenario: Scenario): Needs {
    const { scenarios, quick } = this.#options
    const needs = (it: Scenario) => needsOf(workloadFor(it, server.name, quick))
    const { contacts } = needs(scenario)
    const alike = scenarios.filter((it) => canRun(server, it) && needs(it).contacts === contacts)
    return { accounts: Math.max(...alike.map((it) => needs(it).accounts)), contacts }
  }

  async #runStep({ scenario, server, round }: Step): Promise<RunRecord> {
    const { domain, placement, quick, workFolder } = this.#options
    const workload = workloadFor(scenario, server.name, quick)
    const template = await this.#templates.provide(server, this.#needs(server, scenario))
    this.#templates.copy(server, template, workFolder)
    spawnSync('sync') // or the copy is written while the server is measured
    const about = { scenario: scenario.name, server: server.name, round, startedAt: new Date().toISOString(), workload }
    try {
      const started = await server.start({
        folder: workFolder,
        domain,
        variant: scenario.variant ?? {},
        accounts: { ...this.#options.accounts, count: needsOf(workload).accounts },
        core: placement.server,
      })
      this.#running = started
      await untilQuiet(started.pid)
      const result = await this.#generate(this.#request(started, workload, join(template, 'scram-keys.json')))
      await started.stop()
      const archived = scenario.variant?.archive && result.ok ? await server.archived?.(workFolder, scenario.variant) : undefined
      return { ...about, ...withArchive(result, workload, archived) }
    } catch (error) {
      const faults = { lost: 0, duplicated: 0, outOfOrder: 0, errors: 0 }
      return { ...about, ok: false, error: `${error instanceof Error ? error.message : String(error)}${this.#lastWords()}`, faults, parts: [] }
    } finally {
      await this.#running?.stop()
      this.#running = undefined
    }
  }

  /** Why a server ended is in its own output. */
  #lastWords(): string {
    const file = join(this.#options.workFolder, 'output.log')
    return existsSync(file) ? `; its output ends:\n${readFileSync(file, 'utf8').trim().split('\n').slice(-8).join('\n')}` : ''
  }

  #request({ target, pid, metrics }: StartedServer, workload: Workload, scramKeysFile: string): GeneratorRequest {
    return {
      workload,
      target,
      accounts: this.#options.accounts,
      serverPid: pid,
      metrics,
      scramKeysFile,
      timeoutSeconds: workload.kind === 'provision' ? 4 * RUN_LIMIT_SECONDS : RUN_LIMIT_SECONDS,
      settleMs: SETTLE_MS,
    }
  }

  #generate(request: GeneratorRequest): Promise<GeneratorResult> {
    return runGenerator(request, { core: this.#options.placement.generator, progress: (line) => this.#events.detail(line) })
  }
}

export function canRun(server: BenchServer, scenario: Scenario): boolean {
  if (scenario.ours && isPeer(server.name)) return false
  return server.canBe?.(scenario.variant ?? {}, scenario.workload) ?? true
}

/** A message that was delivered but not kept is lost as well. */
function withArchive(result: GeneratorResult, workload: Workload, archived: number | undefined): GeneratorResult & { archived?: number } {
  if (archived === undefined || workload.kind !== 'messages') return result
  const { pairs, warmup, pace } = workload
  const sent = pairs * warmup + ('rate' in pace ? Math.round(pace.rate * pace.seconds) : pairs * pace.each)
  if (archived === sent) return { ...result, archived }
  return { ...result, archived, ok: false, error: `${sent} messages sent, ${archived} kept` }
}

/** What a server still does after its start is not to be charged to the first stanzas. */
async function untilQuiet(pid: number | undefined): Promise<void> {
  if (pid === undefined || !hasProcessFigures()) return
  let before = treeCpuSeconds(pid)
  for (let step = 0; step < QUIET_STEPS; step++) {
    await sleep(QUIET_STEP_MS)
    const now = treeCpuSeconds(pid)
    if ((now - before) / (QUIET_STEP_MS / 1000) <= QUIET_SHARE) return
    before = now
  }
}
