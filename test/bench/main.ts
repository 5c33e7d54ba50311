/** `npm run bench`: load-tests this server beside Prosody and ejabberd, or a server at an address. See docs/performance.md. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchCommand, parseCommand } from './command.js'
import { type Baseline, baselineLines, compare, type Verdict } from './report/baseline.js'
import { readBaseline, writeBaseline } from './report/baseline-file.js'
import { figuresOf } from './report/figures.js'
import { Progress } from './report/progress.js'
import { markdownTable, terminalTable } from './report/table.js'
import { Bench, canRun } from './run/bench.js'
import type { BenchRecord, RunRecord } from './run/run-record.js'
import type { BenchServer } from './servers/bench-server.js'

const RESULTS = fileURLToPath(new URL('../../bench-results', import.meta.url))
/** Of a core: with more, the generator is what limits. Figures per CPU-second of the server stay good. */
const GENERATOR_LIMIT = 0.85

const command = parseCommand(process.argv)
const progress = new Progress()
const runs: RunRecord[] = []
const calibrations: number[] = []
const startedAt = new Date().toISOString()

process.exitCode = await main(command).catch((error: unknown) => {
  progress.line(`the bench ended: ${error instanceof Error ? error.message : String(error)}`)
  return 1
})

async function main({ scenarios, rounds, check, saveBaseline, markdown, ...options }: BenchCommand): Promise<number> {
  const baseline = check ? readBaseline(machine(), options.quick) : undefined
  if (baseline) warnOfOtherMachine(baseline)
  const servers = options.servers.filter((it) => isPresent(it, progress))
  const ours = scenarios.filter((it) => servers.some((server) => canRun(server, it)))
  for (const it of scenarios) if (!ours.includes(it)) progress.line(`left out: ${it.name} cannot be run on ${servers.map((s) => s.name).join(', ')}`)
  const workFolder = join(RESULTS, 'work')
  const bench = new Bench(
    { ...options, servers, scenarios: ours, templatesFolder: join(RESULTS, 'templates'), workFolder },
    {
      doing: (text, done, all) => progress.doing(text, done, all),
      detail: (text) => progress.detail(text),
      calibrated: (score) => void calibrations.push(score),
      ran: (record) => {
        runs.push(record)
        progress.ran(record)
        save(command, servers)
      },
    },
  )
  endOnInterrupt(bench)
  await bench.run(rounds)
  let verdicts = baseline ? compare(baseline, figuresOf(runs), calibrations) : []
  const doubtful = new Set(verdicts.filter((it) => it.isLoss).map((it) => it.scenario))
  if (baseline && doubtful.size > 0) {
    progress.line(`measured once more: ${[...doubtful].join(', ')}`)
    await bench.run(
      rounds,
      ours.filter((it) => doubtful.has(it.name)),
      rounds + 1,
    )
    verdicts = compare(baseline, figuresOf(runs), calibrations)
  }
  progress.clear()
  rmSync(workFolder, { recursive: true, force: true })
  const figures = figuresOf(runs)
  process.stdout.write(markdown ? markdownTable(figures) : terminalTable(figures))
  for (const it of verdicts) process.stdout.write(`${verdictLine(it)}\n`)
  progress.line(`kept in ${save(command, servers)}`)
  const limited = figures.filter((it) => (it.generatorShare ?? 0) > GENERATOR_LIMIT).map((it) => `${it.line} on ${it.server}`)
  if (limited.length > 0) progress.line(`the generator's core was full, so rates per second and latencies are its own: ${limited.join(', ')}`)
  const failed = runs.filter((it) => !it.ok)
  for (const it of failed) progress.line(`not ok: ${it.scenario} on ${it.server}, round ${it.round}: ${it.error}`)
  if (saveBaseline && failed.length === 0) {
    writeBaseline({ made: startedAt.slice(0, 10), machine: machine(), quick: options.quick, lines: baselineLines(figures, calibrations) })
  }
  return failed.length > 0 || verdicts.some((it) => it.isLoss) ? 1 : 0
}

function isPresent(server: BenchServer, { line }: Progress): boolean {
  if (server.version() !== undefined) return true
  line.call(progress, `left out: ${server.name} is not installed (Debian: apt-get install ${server.name})`)
  return false
}

/** Written after every run, so that an interrupted call leaves what it measured. */
function save({ json, quick, placement, durability }: BenchCommand, servers: readonly BenchServer[]): string {
  mkdirSync(RESULTS, { recursive: true })
  const file = json ?? join(RESULTS, `${startedAt.replaceAll(/[:.]/g, '-')}.json`)
  const record: BenchRecord = {
    startedAt,
    machine: machine(),
    node: process.version,
    servers: Object.fromEntries(servers.map((it) => [it.name, it.version() ?? ''])),
    pinned: placement.server !== undefined,
    quick,
    durability,
    calibrations,
    runs,
  }
  writeFileSync(file, `${JSON.stringify({ ...record, figures: figuresOf(runs) }, undefined, 2)}\n`)
  return file
}

function machine(): string {
  return `${availableParallelism()} cores ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
}

function warnOfOtherMachine({ machine: made }: Baseline): void {
  if (made === machine()) return
  progress.line(`the baseline was made on another machine (${made}), and ratios differ by processor: --save-baseline makes one for this`)
}

function verdictLine({ line, change, references, isLoss }: Verdict): string {
  const percent = Math.round((change - 1) * 100)
  return `${isLoss ? 'LOSS' : 'ok  '} ${line}: ${percent >= 0 ? '+' : ''}${percent} % against the baseline, by ratio to ${references.join(' and ')}`
}

function endOnInterrupt(bench: Bench): void {
  const end = () => void bench.abort().finally(() => process.exit(130))
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}
