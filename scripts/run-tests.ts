/**
 * `npm test [-- <part of a path>…]`: unit tests in one process (a process a file would cost more than the tests do),
 * then each file of `test/` in a process of its own, two at a time; of the conformance tree each folder of a specification, whose
 * files start a server each and little else. Exits 1 when a test fails or none is found.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { addCounts, type Counts, countsOf, NO_COUNTS } from './test-counts.js'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const UNIT_FOLDERS = ['core', 'plugin-sdk', 'plugins', 'scripts']
/** The files of a folder in it share a process. */
const CONFORMANCE = join('test', 'conformance')
const CONCURRENCY = 2
/** A process that has said nothing for so long hangs: an open handle, or a test without a limit of its own. */
const SILENCE_MS = 3 * 60_000
/** The last test of the unit tests' entry, which is not counted. */
const LAST_TEST = 'all files were run'

const running = new Set<ChildProcess>()

interface Outcome {
  readonly counts: Counts
  readonly output: string
  readonly seconds: number
  /** Why the process ended, when not by itself. */
  readonly trouble: string | undefined
}

function findTests(folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...findTests(path))
    else if (entry.name.endsWith('.test.ts')) found.push(path)
  }
  return found.sort()
}

/**
 * A module that imports every file, so that one that cannot be loaded fails by name and the others still run. It keeps the
 * process alive up to its last test: else the first test that waits for an unreferenced timer would end it and cancel the rest.
 */
function writeEntry(folder: string, name: string, files: readonly string[]): string {
  const imports = files.map((file) => {
    const url = JSON.stringify(pathToFileURL(join(ROOT, file)).href)
    return `await import(${url}).catch((error) => test(${JSON.stringify(`loading ${file}`)}, () => { throw error }))`
  })
  const entry = join(folder, `${name.replaceAll(/\W+/g, '-')}.mjs`)
  const begin = [`import { test } from 'node:test'`, 'const alive = setInterval(() => {}, 1000)']
  writeFileSync(entry, [...begin, ...imports, `test('${LAST_TEST}', () => clearInterval(alive))`, ''].join('\n'))
  return entry
}

function runProcess(file: string, live: boolean): Promise<Outcome> {
  const start = performance.now()
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--import', 'tsx', '--test-reporter=spec', '--test-reporter-destination=stdout', file]
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  running.add(child)
  let output = ''
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    killGroup(child)
  }, SILENCE_MS)
  const keep = (chunk: Buffer) => {
    limit.refresh()
    output += chunk.toString()
    if (live) process.stdout.write(chunk)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      running.delete(child)
      const counts = countsOf(output)
      const trouble = lateErrorIn(output) ?? troubleOf(isLate, code, signal, counts)
      resolve({
        counts: trouble && counts.failed === 0 ? { ...counts, failed: 1 } : counts,
        output,
        seconds: (performance.now() - start) / 1000,
        trouble,
      })
    })
  })
}

/** Ends a test process with the servers and databases it started: it leads a process group of its own. */
function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
}

function troubleOf(isLate: boolean, code: number | null, signal: NodeJS.Signals | null, counts: Counts): string | undefined {
  if (isLate) return `said nothing for ${SILENCE_MS / 60_000} minutes and was ended`
  if (signal) return `ended by ${signal}`
  if (code !== 0 && counts.failed === 0) return `exit code ${code} although no test failed`
  return counts.passed + counts.failed + counts.skipped === 0 ? 'holds no test' : undefined
}

/** An error after the end of its test, which node:test mentions but counts nowhere. */
function lateErrorIn(output: string): string | undefined {
  const late = /^ℹ Error: (Test ".+" at \S+ generated asynchronous activity after the test ended.*)$/m.exec(output)
  return late?.[1]
}

/** What one process runs. */
interface Batch {
  readonly name: string
  readonly files: readonly string[]
}

/** The largest first, so that none is left for the end. */
function batchesOf(files: readonly string[]): Batch[] {
  const batches = new Map<string, string[]>()
  for (const file of files) {
    const folder = dirname(file)
    const name = folder.startsWith(CONFORMANCE + sep) ? folder : file
    batches.set(name, [...(batches.get(name) ?? []), file])
  }
  return [...batches].map(([name, files]) => ({ name, files })).sort((one, other) => other.files.length - one.files.length)
}

/** Runs `CONCURRENCY` batches at a time; prints each outcome whole, so that outputs do not mix. */
async function runSeparately(batches: readonly Batch[], folder: string): Promise<Counts> {
  let total = NO_COUNTS
  let done = 0
  const waiting = [...batches]
  const worker = async () => {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      const outcome = await runBatch(batch, folder, false)
      done++
      console.log(`\n[${done}/${batches.length}] ${batch.name} (${outcome.seconds.toFixed(1)} s)${outcome.trouble ? `: ${outcome.trouble}` : ''}`)
      process.stdout.write(outcome.output)
      total = addCounts(total, outcome.counts)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  return total
}

async function runTogether(files: readonly string[], folder: string): Promise<Counts> {
  console.log(`${files.length} files of unit tests`)
  const outcome = await runBatch({ name: 'unit tests', files }, folder, true)
  if (outcome.trouble) console.log(`unit tests: ${outcome.trouble}`)
  return outcome.counts
}

/** @param folder for what the run writes */
async function runBatch({ name, files }: Batch, folder: string, live: boolean): Promise<Outcome> {
  const [only] = files
  if (files.length === 1 && only !== undefined) return runProcess(join(ROOT, only), live)
  const outcome = await runProcess(writeEntry(folder, name, files), live)
  const { counts, output } = outcome
  return { ...outcome, counts: { ...counts, passed: counts.passed - (output.includes(LAST_TEST) ? 1 : 0) } }
}

async function main(filters: readonly string[]): Promise<void> {
  const start = performance.now()
  const wanted = (file: string) => filters.length === 0 || filters.some((part) => file.includes(relativePart(part)))
  const unit = UNIT_FOLDERS.flatMap(findTests).filter(wanted)
  const separate = findTests('test').filter(wanted)
  if (unit.length + separate.length === 0) {
    console.error(`no *.test.ts file has ${filters.map((it) => `"${it}"`).join(' or ')} in its path`)
    process.exitCode = 1
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'beaconfire-tests-'))
  let total = NO_COUNTS
  try {
    if (unit.length > 0) total = addCounts(total, await runTogether(unit, folder))
    if (separate.length > 0) total = addCounts(total, await runSeparately(batchesOf(separate), folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(
    `\nall of ${unit.length + separate.length} files in ${((performance.now() - start) / 1000).toFixed(1)} s on Node ${process.versions.node}`,
  )
  const all = total.passed + total.failed + total.skipped
  for (const line of [`tests ${all}`, `pass ${total.passed}`, `fail ${total.failed}`, `skipped ${total.skipped}`]) console.log(`ℹ ${line}`)
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
  process.exitCode = total.failed > 0 ? 1 : 0
}

/** A filter may be given as the shell completes it: absolute, or from here. */
function relativePart(part: string): string {
  return part.startsWith('/') || part.startsWith('./') ? relative(ROOT, resolve(part)) : part
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of running) killGroup(child)
    process.exit(1)
  })
}

await main(process.argv.slice(2))
