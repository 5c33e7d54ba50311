/** Shadow versions of plugins: they see copies of live stanzas, and nothing they do counts until they are promoted. */
import type { Logger, ServiceName, Services } from '@beaconfire/plugin-sdk'
import { ShadowInterceptors } from '../pipeline/shadow-interceptors.js'
import { ShadowResults } from '../pipeline/shadow-results.js'
import type { FoundPlugin } from './find-plugins.js'
import { loadFailed, loadPlugin } from './load-plugin.js'
import { PluginVersion, type VersionParts } from './plugin-version.js'
import type { ShadowOptions, ShadowStatus } from './registries.js'
import { shadowParts, shadowSession } from './shadow-context.js'

interface Shadow {
  readonly found: FoundPlugin
  readonly version: PluginVersion
  readonly results: ShadowResults
  readonly interceptors: ShadowInterceptors
  readonly startedAt: Date
}

export class ShadowPlugins {
  readonly #parts: Omit<VersionParts, 'ports'>
  readonly #log: Logger
  readonly #shadows = new Map<string, Shadow>()

  constructor(parts: Omit<VersionParts, 'ports'>) {
    this.#parts = parts
    this.#log = parts.log
  }

  /**
   * Loads a version and puts it beside the one that serves, in place of a shadow it had.
   * @param servicesOf what is given to a plugin that requires these
   * @throws PluginLoadFailed; the shadow of before is there still
   */
  async start(
    found: FoundPlugin,
    servicesOf: (requires: readonly ServiceName[]) => Partial<Services>,
    { bodies }: ShadowOptions,
  ): Promise<ShadowStatus> {
    const { name, folder } = found
    const results = new ShadowResults(bodies)
    const onDenied = (what: string) => results.denied(what)
    // It registers nothing, so it has no use for ports.
    const parts: VersionParts = { ...shadowParts(this.#parts, onDenied), ports: { prepare: async () => undefined } }
    try {
      const definition = await loadPlugin(found)
      const version = await PluginVersion.prepare(definition, parts, servicesOf(definition.requires ?? []))
      try {
        await version.start(undefined)
      } catch (error) {
        await version.stop()
        throw error
      }
      await this.stop(name)
      const interceptors = new ShadowInterceptors(version.interceptors, results, shadowSession(onDenied))
      this.#shadows.set(name, { found, version, results, interceptors, startedAt: new Date() })
      this.#parts.registries.shadow(name, interceptors)
    } catch (error) {
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
    const { found, version, results, startedAt } = shadow
    return {
      plugin: name,
      version: version.definition.version,
      folder: found.folder,
      startedAt,
      interceptors: version.interceptors.map((it) => it.name),
      counts: results.counts(),
      differences: results.differences(),
    }
  }

  /** @returns false when there was none */
  async stop(name: string): Promise<boolean> {
    const shadow = this.#shadows.get(name)
    if (!shadow) return false
    this.#shadows.delete(name)
    this.#parts.registries.shadow(name, undefined)
    shadow.interceptors.close()
    await shadow.version.stop()
    this.#log.info({ plugin: name }, 'the shadow version of the plugin has ended')
    return true
  }

  async stopAll(): Promise<void> {
    for (const name of [...this.#shadows.keys()]) await this.stop(name)
  }
}
