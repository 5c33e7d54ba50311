/** Unpacks an npm-packed plugin (`npm pack`) into a cache folder, refusing every entry that could reach outside it. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ReadEntry } from 'tar'

const MAX_ENTRIES = 10_000
/** Unpacked, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * Unpacks `file` once for each content it has had. Dependencies must be bundled: nothing is installed.
 * @returns the folder, `<cache>/<sha256>/<plugin>`, and the plugin's name: that of its package without scope and `plugin-` prefix
 * @throws Error when the file is no such package, or holds links, devices or paths that lead elsewhere
 */
export async function unpackPlugin(file: string, cache: string): Promise<{ readonly name: string; readonly folder: string }> {
  const base = join(cache, await sha256(file))
  if (!(await exists(base))) await unpackInto(file, base)
  const folder = join(base, 'package')
  return { name: pluginName(await readFile(join(folder, 'package.json'), 'utf8')), folder }
}

async function unpackInto(file: string, base: string): Promise<void> {
  await checkEntries(file)
  // Made beside and renamed, so that a half unpacked folder is never taken for a whole one.
  const part = `${base}.part`
  await rm(part, { recursive: true, force: true })
  await mkdir(join(part, 'package'), { recursive: true })
  try {
    const { x: extract } = await import('tar') // few servers have a packed plugin
    await extract({ file, cwd: join(part, 'package'), strip: 1, strict: true })
    await rename(part, base)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
}

async function checkEntries(file: string): Promise<void> {
  let refusal: string | undefined
  let entries = 0
  let bytes = 0
  const onReadEntry = (entry: ReadEntry) => {
    bytes += entry.size
    if (++entries > MAX_ENTRIES) refusal ??= `holds more than ${MAX_ENTRIES} files`
    if (bytes > MAX_BYTES) refusal ??= `is larger than ${MAX_BYTES} bytes unpacked`
    refusal ??= refusalOf(entry)
  }
  const { t: list } = await import('tar')
  const parser = list({ strict: true, onReadEntry })
  let failure: Error | undefined
  const over = new Promise<void>((resolve) => {
    parser.on('end', resolve).on('error', (error: Error) => {
      failure ??= error
      resolve()
    })
  })
  for await (const chunk of createReadStream(file)) {
    parser.write(chunk as Buffer)
    // Reading on could take minutes: little can unpack to much.
    if (refusal !== undefined || failure !== undefined) break
  }
  if (refusal === undefined && failure === undefined) {
    parser.end()
    await over
  }
  if (refusal === undefined && failure !== undefined) throw failure
  if (entries === 0) refusal ??= 'holds no files'
  if (refusal !== undefined) throw new Error(`the package ${refusal}; nothing of it was unpacked`)
}

function refusalOf({ type, path }: ReadEntry): string | undefined {
  const shown = JSON.stringify(path)
  if (type !== 'File' && type !== 'OldFile' && type !== 'Directory') return `holds ${shown}, which is neither file nor folder but ${type}`
  if (/^(?:[/\\]|[A-Za-z]:)/.test(path) || path.split(/[/\\]/).includes('..')) return `holds ${shown}, a path that leads elsewhere`
  return undefined
}

/** `@acme/beaconfire-plugin-hello`, `@beaconfire/plugin-hello` and `hello` are all `hello`. */
function pluginName(manifest: string): string {
  const { name } = JSON.parse(manifest) as { name?: unknown }
  if (typeof name !== 'string') throw new Error('its package.json has no name')
  return name.replace(/^@[^/]*\//, '').replace(/^(?:beaconfire-)?plugin-/, '')
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
