/** Looks through the plugin folders: which plugins are there, and what has changed since. */
import type { Dirent } from 'node:fs'
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { sdkRange } from './sdk-version.js'
import { unpackPlugin } from './unpack-plugin.js'

/** The parts of a plugin's package.json that the host reads. */
export interface PluginManifest {
  readonly version: string | undefined
  readonly description: string | undefined
  /** Versions of the SDK that it was written for. */
  readonly sdk: string | undefined
}

export interface FoundPlugin {
  /** The folder's name; of a packed plugin, that of its package. */
  readonly name: string
  /** Real path. */
  readonly folder: string
  readonly entry: string
  readonly manifest: PluginManifest
  /** Folder or file in a plugins folder that it was found as. */
  readonly source: string
  /** Differs when any file differs; files under node_modules do not count. */
  readonly fingerprint: string
  /** Of a packed plugin, the name of the folder in the cache that it was unpacked into. */
  readonly unpacked?: string
}

/** Something in a plugins folder that should be a plugin but cannot be loaded. */
export interface PluginProblem {
  readonly name: string
  readonly source: string
  readonly fingerprint: string
  readonly unpacked?: string
  /** What is wrong and what to do. */
  readonly message: string
}

export type Finding = FoundPlugin | PluginProblem

export function isProblem(finding: Finding): finding is PluginProblem {
  return 'message' in finding
}

/** True for names that are never plugins nor parts of one: hidden, installed dependencies, copies under way. */
export function isIgnoredName(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules' || name.endsWith('.part')
}

/**
 * @param folders in order of precedence: of two plugins of one name the first is taken, the other is a problem. One that does not exist is empty
 * @param cache where packed plugins are unpacked
 */
export async function findPlugins(folders: readonly string[], cache: string): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const taken = new Map<string, string>()
  for (const folder of folders) {
    for (const name of await namesIn(folder)) {
      const finding = await look(folder, name, cache)
      if (!finding) continue
      const first = taken.get(finding.name)
      if (first === undefined) taken.set(finding.name, finding.source)
      findings.push(first === undefined ? finding : clash(finding, first))
    }
  }
  return findings
}

function clash({ name, source, fingerprint, unpacked }: Finding, first: string): PluginProblem {
  const message = `"${source}" is named "${name}" like the plugin in "${first}", which is taken; rename or remove one of the two`
  // A name of its own, so that an operator sees both.
  return { name: `${name} (${source})`, source, fingerprint, message, ...(unpacked !== undefined && { unpacked }) }
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(missing(() => [] as string[]))
  return names.filter((name) => !isIgnoredName(name)).sort()
}

async function look(parent: string, name: string, cache: string): Promise<Finding | undefined> {
  const source = join(parent, name)
  try {
    const kind = await stat(source)
    if (kind.isDirectory()) return await lookAtFolder(name, source, source)
    if (!kind.isFile() || !name.endsWith('.tgz')) return undefined
    return await lookAtPackage(name, source, cache)
  } catch (error) {
    // The entry itself went while it was looked at, or is a symbolic link that leads nowhere.
    if (isMissing(error)) return undefined
    return { name, source, fingerprint: '', message: `"${source}" cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

async function lookAtPackage(file: string, source: string, cache: string): Promise<Finding | undefined> {
  const { size, mtimeMs, ctimeMs, ino } = await stat(source)
  const fingerprint = [size, mtimeMs, ctimeMs, ino].join()
  try {
    const { name, folder } = await unpackPlugin(source, cache)
    const finding = await lookAtFolder(name, folder, source)
    return finding && { ...finding, fingerprint, unpacked: basename(dirname(folder)) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { name: file, source, fingerprint, message: `"${source}" is no plugin packed with npm pack: ${reason}` }
  }
}

async function lookAtFolder(name: string, path: string, source: string): Promise<Finding | undefined> {
  const folder = await realpath(path)
  const fingerprint = await fingerprintOf(folder)
  const entries = new Set(await readdir(folder))
  const entry = ['index.ts', 'index.js'].find((it) => entries.has(it))
  const hasManifest = entries.has('package.json')
  if (!entry && !hasManifest) return undefined
  const problem = (message: string): PluginProblem => ({ name, source, fingerprint, message: `plugin "${name}": ${message}` })
  if (!hasManifest) return problem('has no package.json; add one that says { "type": "module" }')
  let manifest: unknown
  try {
    manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  } catch (error) {
    return problem(`package.json cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof manifest !== 'object' || manifest === null) return problem('package.json must hold an object')
  const { type, version, description } = manifest as Record<string, unknown>
  // Without it tsx loads CommonJS, which is never read again.
  if (type !== 'module') return problem('package.json must say "type": "module", or the plugin could not be reloaded')
  if (!entry) return problem('has neither index.ts nor index.js; add one that exports the plugin')
  const shown = { version: textOf(version), description: textOf(description), sdk: sdkRange(manifest as Record<string, unknown>) }
  return { name, folder, entry: join(folder, entry), manifest: shown, source, fingerprint }
}

/** Names, sizes and times of all files; cheap enough to ask at each change. */
async function fingerprintOf(folder: string, below = ''): Promise<string> {
  const lines: string[] = []
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    if (isIgnoredName(entry.name)) continue
    // What was removed since the folder was read is not part of the plugin: the plugin is there still.
    const line = await fingerprintOfEntry(folder, join(below, entry.name), entry).catch(missing(() => undefined))
    if (line !== undefined) lines.push(line)
  }
  return lines.sort().join('\n')
}

async function fingerprintOfEntry(folder: string, path: string, entry: Dirent): Promise<string> {
  if (entry.isDirectory()) return fingerprintOf(folder, path)
  // A symbolic link that leads nowhere stands for itself.
  const { size, mtimeMs, ctimeMs, ino } = await stat(join(folder, path)).catch(missing(() => lstat(join(folder, path))))
  return [path, size, mtimeMs, ctimeMs, ino].join()
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What one entry of a plugins folder is. @returns undefined when it is not there, or no plugin */
export function findPlugin(source: string, cache: string): Promise<Finding | undefined> {
  return look(dirname(source), basename(source), cache)
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function missing<T>(instead: () => T): (error: unknown) => T {
  return (error) => {
    if (isMissing(error)) return instead()
    throw error
  }
}
