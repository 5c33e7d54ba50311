/**
 * `npm run conformance [-- --all] [<part of a path>…]`: runs `test/conformance` and prints how many behaviours are held, by specification
 * and section. `--all` names every one of them. Exits 1 when one is not held.
 */
import { readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import { type Behaviour, countBySection, placeOf } from './conformance/behaviours.js'

const TREE = resolve(dirname(fileURLToPath(import.meta.url)), '../test/conformance')
const CONCURRENCY = 2
/** No line between the rows. */
const CHARS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }
/** A file takes a few seconds. */
const FILE_LIMIT_MS = 120_000

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? testFiles(join(folder, entry.name)) : join(folder, entry.name)))
    .filter((path) => path.endsWith('.test.ts'))
    .sort()
}

async function behavioursOf(files: readonly string[]): Promise<Behaviour[]> {
  const behaviours: Behaviour[] = []
  const stream = run({ files: [...files], concurrency: CONCURRENCY, timeout: FILE_LIMIT_MS })
  /** The suites around what is reported now, by file. */
  const around = new Map<string, string[]>()
  stream.on('test:start', ({ file = '', name, nesting }) => {
    const names = around.get(file) ?? []
    around.set(file, [...names.slice(0, nesting), name])
  })
  /** What a file said that could not be run: the error of its test does not tell. */
  const complaints = new Map<string, string>()
  stream.on('test:stderr', ({ file = '', message }) => complaints.set(file, (complaints.get(file) ?? '') + message))
  const take = (data: Outcome, passed: boolean) => {
    if (data.details.type === 'suite' || isFile(data, files, passed)) return
    const name = [...(around.get(data.file ?? '') ?? []).slice(0, data.nesting), data.name].join(' ')
    const outcome = data.skip !== undefined && data.skip !== false ? 'skipped' : passed ? 'held' : 'failed'
    behaviours.push({ file: relative(TREE, data.file ?? data.name), name, outcome, error: errorOf(data) ?? complaints.get(data.file ?? data.name) })
  }
  stream.on('test:pass', (data) => take(data as Outcome, true))
  stream.on('test:fail', (data) => take(data as Outcome, false))
  stream.resume()
  await new Promise((settle, reject) => stream.once('end', settle).once('error', reject))
  return behaviours
}

interface Outcome {
  readonly name: string
  readonly nesting: number
  readonly file?: string
  readonly skip?: string | boolean
  readonly details: { readonly type?: string; readonly error?: Error & { readonly cause?: unknown } }
}

/** Some versions of Node report a file as a test; one that could not run at all must not go unseen. */
function isFile({ name, nesting, details }: Outcome, files: readonly string[], passed: boolean): boolean {
  if (nesting > 0 || !files.includes(resolve(name))) return false
  return passed || /subtest/.test(String(details.error?.message))
}

function errorOf({ details }: Outcome): string | undefined {
  const cause = details.error?.cause
  return cause instanceof Error ? cause.message : undefined
}

function print(behaviours: readonly Behaviour[], all: boolean): void {
  const table = new Table({ head: ['specification', 'section', 'held', 'failed', 'skipped'], style: { head: [], border: [] }, chars: CHARS })
  let total = { held: 0, failed: 0, skipped: 0 }
  for (const { specification, section, held, failed, skipped } of countBySection(behaviours)) {
    table.push([section === '' ? specification : '', section, held, failed, skipped])
    if (section === '') total = { held: total.held + held, failed: total.failed + failed, skipped: total.skipped + skipped }
  }
  table.push(['all', '', total.held, total.failed, total.skipped])
  if (all) {
    for (const { file, name, outcome } of behaviours) console.log(`${outcome.padEnd(7)} ${placeOf(file).specification}  ${name}`)
  }
  console.log(table.toString())
  for (const { file, name, error } of behaviours.filter((it) => it.outcome === 'failed')) {
    console.log(`not held: ${name}\n  ${file}\n  ${(error ?? '').replaceAll('\n', '\n  ')}`)
  }
}

async function main(args: readonly string[]): Promise<void> {
  const filters = args.filter((it) => !it.startsWith('--'))
  const files = testFiles(TREE).filter((path) => filters.length === 0 || filters.some((it) => path.includes(it)))
  const start = performance.now()
  const behaviours = await behavioursOf(files)
  print(behaviours, args.includes('--all'))
  console.log(`${files.length} files in ${((performance.now() - start) / 1000).toFixed(1)} s on Node ${process.versions.node}`)
  if (behaviours.length === 0 || behaviours.some((it) => it.outcome === 'failed')) process.exitCode = 1
}

await main(process.argv.slice(2))
