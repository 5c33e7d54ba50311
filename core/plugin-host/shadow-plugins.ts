/** Shadow versions of plugins: they see copies of live stanzas, and nothing they do counts until they are promoted. */
import type { AnyPlugin, Logger, ServiceName } from '@beaconfire/plugin-sdk'
import { ShadowInterceptors } from '../pipeline/shadow-interceptors.js'
import { ShadowResults } from '../pipeline/shadow-results.js'
import type { FoundPlugin } from './find-plugins.js'
import { loadFailed, loadPlugin } from './load-plugin.js'
import type { PackageCache } from './package-cache.js'
import type { PluginVersion, VersionParts } from './plugin-version.js'
import type { ShadowOptions, ShadowStatus } from './registries.js'
import { shadowParts, shadowSession } from './shadow-context.js'
import { ShadowVersions } from './shadow-versions.js'

interface Shadow {
  readonly found: FoundPlugin
  readonly version: PluginVersion
  /** It, and its own of those that provide what it requires. */
  readonly versions: ShadowVersions
  readonly results: ShadowResults
  readonly interceptors: ShadowInterceptors
  readonly startedAt: Date
}

export class ShadowPlugins {
  readonly #parts: Omit<VersionParts, 'ports'>
  readonly #packages: PackageCache
  readonly #log: Logger
  readonly #shadows = new Map<string, Shadow>()

  constructor(parts: Omit<VersionParts, 'ports'>, packages: PackageCache) {
    this.#packages = packages
    this.#parts = parts
    this.#log = parts.log
  }

  /**
   * Loads a version and puts it beside the one that serves, in place of a shadow it had.
   * @param providerOf the plugin that provides a service; the shadow has a version of its own of it
   * @throws PluginLoadFailed; the shadow of before is there still
   */
  async start(found: FoundPlugin, providerOf: (service: ServiceName) => AnyPlugin, { bodies }: ShadowOptions): Promise<ShadowStatus> {
    const { name, folder } = found
    const results = new ShadowResults(bodies)
    const onDenied = (what: string) => results.denied(what)
    // It registers nothing, so it has no use for ports.
    const parts: VersionParts = { ...shadowParts(this.#parts, onDenied), ports: { prepare: async () => undefined } }
    const versions = new ShadowVersions({ parts, providerOf })
    try {
      const definition = await loadPlugin(found)
      this.#packages.loaded(definition, found)
      const version = await versions.start(definition)
      await this.stop(name)
      const interceptors = new ShadowInterceptors(version.interceptors, results, shadowSession(onDenied))
      this.#shadows.set(name, { found, version, versions, results, interceptors, startedAt: new Date() })
      this.#parts.registries.shadow(name, interceptors)
    } catch (error) {
      await versions.stop()
      throw loadFailed(name, error, folder)
    }
    this.#log.info({ plugin: name, folder }, 'a shadow version runs beside the plugin')
    return this.status(name) as ShadowStatus
  }

  found(name: string): FoundPlugin | undefined {
    return this.#shadows.get(name)?.found
  }

  status(name: string): ShadowStatus | undefined {
    const shadow = this.#shadows.get(name)
    if (!shadow) return undefined
    const { found, version, versions, results, startedAt } = shadow
    return {
      plugin: name,
      version: version.definition.version,
      folder: found.folder,
      startedAt,
      interceptors: version.interceptors.map((it) => it.name),
      notes: versions.notes,
      counts: results.counts(),
      differences: results.differences(),
    }
  }

  /** Those that are read from disk. */
  get all(): readonly { readonly found: FoundPlugin; readonly definition: AnyPlugin }[] {
    return [...this.#shadows.values()].map(({ found, version }) => ({ found, definition: version.definition }))
  }

  /** Ends shadows of plugins that do not run any more: there is nothing to be compared with, and they would look on alone. */
  async stopOrphans(isRunning: (plugin: string) => boolean): Promise<void> {
    for (const name of [...this.#shadows.keys()]) {
      if (isRunning(name)) continue
      await this.stop(name, 'its plugin does not run any more')
      const act = { administrator: 'beaconfire', summary: `ended the shadow of plugin ${name}`, details: 'its plugin does not run any more' }
      await this.#parts.facade.audit.record(act).catch((error: unknown) => this.#log.error({ ...act, error }, 'an act could not be written down'))
    }
  }

  /** @returns false when there was none */
  async stop(name: string, reason?: string): Promise<boolean> {
    const shadow = this.#shadows.get(name)
    if (!shadow) return false
    this.#shadows.delete(name)
    this.#parts.registries.shadow(name, undefined)
    shadow.interceptors.close()
    await shadow.versions.stop()
    this.#log.info({ plugin: name, reason }, 'the shadow version of the plugin has ended')
    return true
  }

  async stopAll(): Promise<void> {
    for (const name of [...this.#shadows.keys()]) await this.stop(name)
  }
}
