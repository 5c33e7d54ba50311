/** Where packed plugins are unpacked: what no package and no version that runs comes from any more is removed. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnyPlugin, Logger } from '@beaconfire/plugin-sdk'
import type { Finding } from './find-plugins.js'

export class PackageCache {
  readonly folder: string
  readonly #log: Logger
  /** Where a definition was loaded from may be the place of another by now; it may import something still, or show a page. */
  readonly #origins = new WeakMap<AnyPlugin, string>()

  constructor(folder: string, log: Logger) {
    this.folder = folder
    this.#log = log
  }

  loaded(definition: AnyPlugin, { unpacked }: Finding): void {
    if (unpacked !== undefined) this.#origins.set(definition, unpacked)
  }

  /** Call it while nothing is being unpacked. Never rejects. */
  async prune(findings: Iterable<Finding>, definitions: Iterable<AnyPlugin>): Promise<void> {
    const used = new Set<string | undefined>()
    for (const { unpacked } of findings) used.add(unpacked)
    for (const it of definitions) used.add(this.#origins.get(it))
    try {
      const names = await readdir(this.folder)
      for (const name of names) if (!used.has(name)) await rm(join(this.folder, name), { recursive: true, force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // no plugin was ever packed
      this.#log.warn({ folder: this.folder, error }, 'packages of plugins that are not needed any more could not be removed')
    }
  }
}
