/**
 * Shipped plugins that `npm run build` compiled. What counts is still the folder: while it is as it was when it was compiled, the compiled
 * form is loaded in its place; once a file of it is changed, the folder itself is.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FoundPlugin } from './find-plugins.js'

/** Name of the file atop the compiled tree that says what was compiled. */
export const MANIFEST = 'build.json'

export interface BuildManifest {
  /** Folder of the shipped plugins' sources, from where the manifest is. */
  readonly plugins: string
  /** {@link versionOf} each of them, by name. */
  readonly versions: Readonly<Record<string, string>>
}

/** Where a plugin is imported from. */
export interface PluginModules {
  readonly folder: string
  readonly entry: string
}

export class CompiledPlugins {
  readonly #root: string
  readonly #manifest: BuildManifest

  private constructor(root: string, manifest: BuildManifest) {
    this.#root = root
    this.#manifest = manifest
  }

  /** @returns undefined when the server itself runs from its sources */
  static beside(moduleUrl: string): CompiledPlugins | undefined {
    if (moduleUrl.endsWith('.ts')) return undefined
    const root = resolve(dirname(fileURLToPath(moduleUrl)), '..')
    return new CompiledPlugins(root, JSON.parse(readFileSync(join(root, MANIFEST), 'utf8')) as BuildManifest)
  }

  /** The folder that is watched, and that people change. */
  get sources(): string {
    return resolve(this.#root, this.#manifest.plugins)
  }

  /** @returns undefined when this folder was not compiled, or has changed since */
  of({ name, folder, fingerprint }: FoundPlugin): PluginModules | undefined {
    if (dirname(folder) !== this.sources || this.#manifest.versions[name] !== versionOf(fingerprint)) return undefined
    const compiled = this.folderOf(name)
    return { folder: compiled, entry: join(compiled, 'index.js') }
  }

  /** Where the compiled form of a plugin is, if there is one. */
  folderOf(name: string): string {
    return join(this.#root, 'plugins', name)
  }
}

/** @param fingerprint of a folder, as `find-plugins.ts` takes it */
export function versionOf(fingerprint: string): string {
  return createHash('sha256').update(fingerprint).digest('hex')
}
