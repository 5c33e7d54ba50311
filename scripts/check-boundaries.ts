/**
 * Fails on an import that the design forbids. The one picture: `plugins/* → plugin-sdk ← core`, and within core a folder
 * imports only those listed above it. Run by `npm run check:boundaries`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Import, importsOf } from './imports-of.js'

/** Folders of core, lowest first: packets climb through callbacks given at construction, never through imports. */
const CORE_ORDER = [
  'config',
  'database',
  'net',
  'xml',
  'auth',
  'stream',
  'pipeline',
  'session',
  'delivery',
  'router',
  'admin',
  'plugin-host',
  'command-line',
]

/** Files of core that every folder may import. */
const CORE_GROUND = ['core/log.ts', 'core/errors.ts']

interface Exception {
  /** Part of core the import is in; any unless given. */
  readonly from?: readonly string[]
  /** File that may be imported although it stands higher. */
  readonly to: string
  readonly reason: string
}

const EXCEPTIONS: readonly Exception[] = [
  { to: 'core/plugin-host/registries.ts', reason: 'a contract: the shapes through which contributions come down, and their error classes' },
  { from: ['net', 'xml'], to: 'core/stream/stream-error.ts', reason: 'the value a listener or parser reports a broken stream with' },
]

const SDK = '@beaconfire/plugin-sdk'
const CORE = '@beaconfire/core'

export interface Violation {
  readonly file: string
  readonly line: number
  /** The forbidden arrow and what to do instead. */
  readonly message: string
}

/** Where a file of the repository belongs. `free` may import everything. */
type Zone = { readonly area: 'core' | 'sdk' | 'testing' | 'free' } | { readonly area: 'plugin'; readonly name: string }

function zoneOf(file: string): Zone {
  const [top = '', second = '', third = ''] = file.split('/')
  if (file.endsWith('.test.ts')) return { area: 'free' }
  if (top === 'core') return { area: 'core' }
  if (top === 'plugin-sdk' && second === 'examples') return { area: 'plugin', name: third }
  if (top === 'plugin-sdk') return { area: second === 'testing' ? 'testing' : 'sdk' }
  return top === 'plugins' ? { area: 'plugin', name: second } : { area: 'free' }
}

/** @returns the file a relative import means, as a path of the repository; undefined for a package */
function targetOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts')
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

/** @param declared names of the packages in the `dependencies` of the package that `file` belongs to */
export function checkFile(file: string, source: string, declared: ReadonlySet<string>): Violation[] {
  const zone = zoneOf(file)
  if (zone.area === 'free') return []
  const violations: Violation[] = []
  for (const found of importsOf(source)) {
    const target = targetOf(file, found.specifier)
    const message = target === undefined ? checkPackage(zone, file, found, declared) : checkOwnFile(zone, file, target)
    if (message) violations.push({ file, line: found.line, message })
  }
  return violations
}

function checkPackage(zone: Zone, file: string, found: Import, declared: ReadonlySet<string>): string | undefined {
  const { specifier } = found
  if (specifier.startsWith('node:')) return undefined
  const name = packageOf(specifier)
  if (name === CORE) {
    if (zone.area === 'testing' && (found.typeOnly || found.dynamic)) return undefined
    if (zone.area === 'testing') return `plugin-sdk/testing → core: load it with await import('${specifier}'), so that the SDK works without core`
    return `${nameOf(zone)} → core: ${zone.area === 'plugin' ? 'ask for a hook or service in plugin-sdk' : 'core imports the SDK, not the other way round'}`
  }
  if (name === SDK) {
    if (zone.area === 'sdk') return `plugin-sdk → itself by name: import the file`
    if (file.endsWith('.fixture.ts')) return undefined // for tests, and in no package
    return specifier === SDK || zone.area === 'testing' ? undefined : `${nameOf(zone)} → ${specifier}: only tests may; import '${SDK}'`
  }
  if (name.startsWith('@beaconfire/plugin-')) return `${nameOf(zone)} → ${name}: plugins meet through services declared in plugin-sdk/services`
  return declared.has(name) ? undefined : `${nameOf(zone)} → ${name}: not among the dependencies of its package.json; add it there, or do without`
}

function checkOwnFile(zone: Zone, file: string, target: string): string | undefined {
  const arrow = `${file} → ${target}`
  const to = zoneOf(target)
  if (target.endsWith('.test.ts')) return `${arrow}: move what both need out of the test`
  if (zone.area === 'core') return to.area === 'core' ? checkCoreOrder(file, target) : `${arrow}: core imports '${SDK}' and its own files only`
  if (zone.area === 'plugin') {
    if (to.area === 'plugin' && to.name === zone.name) return undefined
    return to.area === 'plugin'
      ? `${arrow}: plugins meet through services declared in plugin-sdk/services`
      : `${arrow}: a plugin imports '${SDK}' and its own files only`
  }
  if (zone.area === 'testing') return to.area === 'testing' || to.area === 'sdk' ? undefined : `${arrow}: the test kit imports the SDK only`
  return to.area === 'sdk' ? undefined : `${arrow}: plugin-sdk imports its own files only, and none of testing/`
}

function checkCoreOrder(file: string, target: string): string | undefined {
  if (CORE_GROUND.includes(target)) return undefined
  const from = partOfCore(file)
  const to = partOfCore(target)
  if (from === to) return undefined
  const [fromRank, toRank] = [rankInCore(from), rankInCore(to)]
  if (CORE_GROUND.includes(file)) return `${file} → ${target}: ${file} is ground for all of core and imports none of it`
  if (fromRank < 0 || toRank < 0) return `${file} → ${target}: ${fromRank < 0 ? from : to} has no place in CORE_ORDER of scripts/check-boundaries.ts`
  if (toRank < fromRank || from.endsWith('.ts')) return undefined
  const excepted = EXCEPTIONS.some((it) => it.to === target && (it.from?.includes(from) ?? true))
  return excepted ? undefined : `core/${from} → core/${to}: a folder imports only those above it; take a callback or an interface at construction`
}

/** Files that stand in core itself join the folders, and stand above all of them. -1 for a folder nobody knows. */
function rankInCore(part: string): number {
  return part.endsWith('.ts') ? CORE_ORDER.length : CORE_ORDER.indexOf(part)
}

function partOfCore(file: string): string {
  return file.split('/')[1] as string
}

function nameOf(zone: Zone): string {
  if (zone.area === 'plugin') return `plugin ${zone.name}`
  return { core: 'core', sdk: 'plugin-sdk', testing: 'plugin-sdk/testing', free: 'file' }[zone.area]
}

function* sourceFiles(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.[cm]?tsx?$/.test(entry.name)) yield path
  }
}

/** The nearest package.json above a file says which packages it may import. */
function declaredFor(path: string, cache: Map<string, ReadonlySet<string>>): ReadonlySet<string> {
  const folder = dirname(path)
  const known = cache.get(folder)
  if (known) return known
  let declared: ReadonlySet<string>
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    declared = new Set(Object.keys({ ...section(manifest, 'dependencies'), ...section(manifest, 'optionalDependencies') }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    declared = declaredFor(folder, cache)
  }
  cache.set(folder, declared)
  return declared
}

function section(manifest: unknown, name: string): object {
  return ((manifest as Record<string, object | undefined>)[name] ?? {}) as object
}

function main(): void {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
  const cache = new Map<string, ReadonlySet<string>>()
  const violations: Violation[] = []
  let count = 0
  for (const top of ['core', 'plugin-sdk', 'plugins']) {
    for (const path of sourceFiles(join(root, top))) {
      count++
      violations.push(...checkFile(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'), declaredFor(path, cache)))
    }
  }
  for (const it of violations) console.error(`${it.file}:${it.line} forbidden import: ${it.message}`)
  console.log(`boundaries: ${count} files, ${violations.length} forbidden imports`)
  process.exitCode = violations.length > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
