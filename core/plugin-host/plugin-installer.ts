/** Puts plugins that come by the admin API where plugins are looked for, and takes them back when they do not run. */
import { type KeyObject, randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type FoundPlugin, findPlugin, isProblem } from './find-plugins.js'
import { isPluginName } from './load-plugin.js'
import type { PluginRecord } from './plugin-record.js'
import { type PackageProof, PackageRefused, PluginLoadFailed, type PluginStatus, type ShadowSource } from './registries.js'
import { unpackPlugin } from './unpack-plugin.js'
import { checkProof, trustedKeys } from './uploaded-package.js'

export interface InstallerParts {
  /** Where packages are put: one of the plugin folders. Undefined: none are taken. */
  readonly uploads?: string | undefined
  readonly trustedKeys?: readonly string[]
  readonly dataFolder: string
  /** Packed plugins are unpacked below it. */
  readonly cache: string
  find(name: string): PluginRecord | undefined
  /** Acts on what has changed at this place of a plugins folder. */
  scan(source: string): Promise<void>
}

export class PluginInstaller {
  readonly #parts: InstallerParts
  readonly #keys: readonly KeyObject[]

  /** @throws Error when one of `trustedKeys` is none */
  constructor(parts: InstallerParts) {
    this.#parts = parts
    this.#keys = trustedKeys(parts.trustedKeys ?? [])
  }

  /** @throws PackageRefused, PluginLoadFailed: the version of before serves on, from the file of before */
  async install(file: Uint8Array, proof: PackageProof): Promise<PluginStatus> {
    checkProof(file, proof, this.#keys)
    const name = await this.#unpacked(file, (_source, unpacked) => unpacked.name)
    return this.#put(name, this.#placeOfPackage(name), (part) => writeFile(part, file))
  }

  /** Looks at a version that is to be a shadow of the plugin `name`. @throws PackageRefused */
  async shadowFrom(name: string, source: ShadowSource): Promise<FoundPlugin> {
    if ('folder' in source) {
      if (this.#keys.length > 0) throw new PackageRefused('a folder cannot be signed, and plugins.trustedKeys asks for signatures: send a package')
      return this.#found(name, resolve(source.folder))
    }
    checkProof(source.file, source.proof, this.#keys)
    // Never over that of a shadow that runs: where this one fails, that is what may be promoted.
    const kept = join(this.#shadows, `${name}.${randomUUID()}.tgz`)
    await this.#unpacked(source.file, async (upload, unpacked) => {
      if (unpacked.name !== name) throw new Error(`it is plugin "${unpacked.name}", not "${name}"`)
      await mkdir(dirname(kept), { recursive: true })
      await rename(upload, kept)
    })
    return this.#found(name, kept)
  }

  /** Removes packages that came for shadows, but for these. Never rejects. */
  async pruneShadows(used: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#shadows).catch(() => [] as string[]) // mostly there are none
    for (const file of names.map((name) => join(this.#shadows, name))) if (!used.has(file)) await rm(file, { force: true }).catch(() => undefined)
  }

  /** Puts what was a shadow in the place of the plugin that serves. @throws PackageRefused, PluginLoadFailed */
  async promote({ name, source }: FoundPlugin): Promise<PluginStatus> {
    const isFolder = (await stat(source)).isDirectory()
    const target = isFolder ? this.#placeOfFolder(name) : this.#placeOfPackage(name)
    return this.#put(name, target, (part) => cp(source, part, { recursive: true }))
  }

  async #put(name: string, target: string, write: (part: string) => Promise<void>): Promise<PluginStatus> {
    const placed = await place(target, write)
    await this.#parts.scan(target)
    const record = this.#parts.find(name)
    if (record && record.error === undefined) {
      await placed.keep()
      return record.status()
    }
    await placed.takeBack()
    const restored = await findPlugin(target, this.#parts.cache)
    // It serves still: to load it once more would change nothing.
    if (restored && record) record.finding = restored
    else await this.#parts.scan(target)
    throw new PluginLoadFailed(record?.error ?? `plugin "${name}": what was put at ${target} is not there any more`)
  }

  /** @param use given the file and what is in it, which reaches nothing outside it @throws PackageRefused */
  async #unpacked<T>(file: Uint8Array, use: (upload: string, unpacked: { readonly name: string }) => T | Promise<T>): Promise<T> {
    const upload = join(this.#parts.dataFolder, `plugin-upload-${randomUUID()}.tgz`)
    await mkdir(this.#parts.dataFolder, { recursive: true })
    try {
      await writeFile(upload, file)
      const unpacked = await unpackPlugin(upload, this.#parts.cache)
      if (!isPluginName(unpacked.name)) {
        throw new Error('the name of its package must be in kebab-case, such as "my-plugin" or "@acme/beaconfire-plugin-my-plugin"')
      }
      return await use(upload, unpacked)
    } catch (error) {
      throw new PackageRefused(`this is no plugin packed with npm pack: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      await rm(upload, { force: true })
    }
  }

  async #found(name: string, source: string): Promise<FoundPlugin> {
    const finding = await findPlugin(source, this.#parts.cache)
    if (!finding) throw new PackageRefused(`there is no plugin in ${source}`)
    if (isProblem(finding)) throw new PackageRefused(finding.message)
    // The definition's own name is checked when it is loaded; a folder to develop in may be called anything.
    return { ...finding, name }
  }

  /** Over the package of before, never over a folder that somebody works in. @throws PackageRefused */
  #placeOfPackage(name: string): string {
    const folder = this.#folder()
    const record = this.#parts.find(name)
    if (!record) return join(folder, `${name}.tgz`)
    const source = this.#sourceOf(name, record)
    if (dirname(source) === folder && source.endsWith('.tgz')) return source
    throw new PackageRefused(`plugin "${name}" is there already, as ${source}; remove or disable it there first`)
  }

  /** @throws PackageRefused */
  #placeOfFolder(name: string): string {
    const folder = this.#folder()
    const record = this.#parts.find(name)
    const source = record ? this.#sourceOf(name, record) : join(folder, name)
    if (dirname(source) === folder && !source.endsWith('.tgz')) return source
    throw new PackageRefused(
      `plugin "${name}" is not a folder in ${folder} but ${source}; put the new version there by hand, or send it as a package`,
    )
  }

  get #shadows(): string {
    return join(this.#parts.dataFolder, 'plugin-shadows')
  }

  #folder(): string {
    const { uploads } = this.#parts
    if (uploads === undefined) throw new PackageRefused('this server has no folder for plugins; configure plugins.folders')
    return resolve(uploads)
  }

  #sourceOf(name: string, { finding }: PluginRecord): string {
    if (!finding) throw new PackageRefused(`plugin "${name}" is part of the server and cannot be replaced`)
    return finding.source
  }
}

/** Something put in place. Exactly one of its methods is to be called. */
interface Placed {
  /** It stays. */
  keep(): Promise<void>
  /** It goes, and what was there before comes back. */
  takeBack(): Promise<void>
}

/** Puts a file or folder in place at once, never half of it. @param target may exist @param write makes it, under the name it is given */
async function place(target: string, write: (part: string) => Promise<void>): Promise<Placed> {
  await mkdir(dirname(target), { recursive: true })
  // Names that the plugin folders are not looked through for.
  const id = randomUUID()
  const part = join(dirname(target), `.${id}.part`)
  const before = join(dirname(target), `.${id}.before.part`)
  try {
    await write(part)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
  const hadBefore = await rename(target, before).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  await rename(part, target)
  return {
    keep: () => rm(before, { recursive: true, force: true }),
    async takeBack() {
      await rm(target, { recursive: true, force: true })
      if (hadBefore) await rename(before, target)
    },
  }
}
