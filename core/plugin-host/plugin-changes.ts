/** Brings what runs in line with what should run: starts, replaces and retires versions, in order of dependency. */
import { type AnyPlugin, isPromise, type Logger, type ServiceName, type Services } from '@beaconfire/plugin-sdk'
import type { LeakWatch } from './leak-watch.js'
import { type LoadOrder, loadOrder, providerFailed } from './load-order.js'
import { loadFailed } from './load-plugin.js'
import type { PluginRecord } from './plugin-record.js'
import { PluginVersion, type VersionParts } from './plugin-version.js'
import { ServingPlugins } from './serving-plugins.js'

/** How long a version that was replaced is kept for what began with it, in ms; more than an interceptor's usual budget. */
const DRAIN_LIMIT_MS = 5000
/** What a plugin may take to stop when the server stops, in ms: one that hangs must not cost the others their flush. */
const LAST_STOP_LIMIT_MS = 1500

export class PluginChanges {
  readonly #parts: VersionParts
  readonly #log: Logger
  readonly #serving: ServingPlugins
  readonly #leaks: LeakWatch
  /** Versions that no longer serve but run still: whoever used them may do so until all dependents are exchanged. */
  #retired: PluginVersion[] = []

  constructor(parts: VersionParts, leaks: LeakWatch) {
    this.#leaks = leaks
    this.#parts = parts
    this.#log = parts.log
    this.#serving = new ServingPlugins(parts.registries)
  }

  /**
   * @param records all plugins that should run, in the order they were found in
   * @param leaving plugins that should not run any more
   */
  async apply(records: readonly PluginRecord[], leaving: readonly PluginRecord[]): Promise<void> {
    const plan = this.#plan(records)
    const stuck = records.filter((it) => it.version && plan.problems.has(it.name))
    this.#takeOut([...leaving, ...stuck])
    for (const [name, problem] of plan.problems) {
      const record = records.find((it) => it.name === name) as PluginRecord
      record.isDue = true
      this.#failed(record, new Error(problem))
    }
    for (const record of plan.order) await this.#bringUp(record, plan)
    const retired = this.#retired.splice(0).reverse()
    if (retired.length > 0) await this.#letThrough()
    // Dependents first: a version that was replaced stays up until nobody uses its services any more.
    for (const version of retired) {
      await version.stop()
      this.#leaks.retired(version.name, version.definition.version, version.context)
    }
  }

  /** Stops everything, in reverse order. */
  async stopAll(): Promise<void> {
    for (const version of this.#serving.inOrder.toReversed()) {
      this.#serving.remove(new Set([version]))
      await version.stop(LAST_STOP_LIMIT_MS)
    }
  }

  /** Where a newer version cannot run for want of a service, the older one goes on, if it can. */
  #plan(records: readonly PluginRecord[]): LoadOrder<PluginRecord> {
    const plan = loadOrder(records.filter((it) => it.target))
    let hasFallenBack = false
    for (const record of records) {
      const problem = plan.problems.get(record.name)
      if (problem === undefined || !record.version || record.version.definition === record.target) continue
      record.target = record.version.definition
      record.isDue = false
      this.#failed(record, new Error(problem))
      hasFallenBack = true
    }
    return hasFallenBack ? loadOrder(records.filter((it) => it.target)) : plan
  }

  async #bringUp(record: PluginRecord, plan: LoadOrder<PluginRecord>): Promise<void> {
    const services: Partial<Record<ServiceName, unknown>> = {}
    for (const name of record.requires) {
      const provider = plan.providers.get(name)
      const service = provider?.version?.service(name)
      if (!service) {
        this.#takeOut([record])
        record.isDue = true
        return this.#failed(record, new Error(providerFailed(name, provider?.name ?? '')))
      }
      services[name] = service
    }
    const given = services as Partial<Services>
    if (!record.isDue && !record.hasOther(given)) return
    await this.#bringUpWith(record, given, plan)
  }

  async #bringUpWith(record: PluginRecord, services: Partial<Services>, plan: LoadOrder<PluginRecord>): Promise<void> {
    const { version: old, isDue: wasDue } = record
    const servicesChanged = record.hasOther(services)
    record.tried(services)
    try {
      await this.#exchange(record, services, plan)
      if (wasDue || !old) record.error = undefined
      this.#log.info({ plugin: record.name, version: record.target?.version }, old ? 'plugin reloaded' : 'plugin loaded')
    } catch (error) {
      // The old version serves on, unless what it depends on is about to go.
      if (servicesChanged) this.#takeOut([record])
      else if (old) record.target = old.definition
      this.#failed(record, error)
    }
  }

  /** The new version is up before the old one goes, and takes over what that knows at the last moment. */
  async #exchange(record: PluginRecord, services: Partial<Services>, plan: LoadOrder<PluginRecord>): Promise<void> {
    const old = record.version
    const version = await PluginVersion.prepare(record.target as AnyPlugin, this.#parts, services, record.servedMigrations)
    try {
      await version.start()
      const handedOver = old && version.takeOver(old)
      if (isPromise(handedOver)) await handedOver
      // No stanza has come since, unless one of the two was asynchronous about it.
      const serving = plan.order.map((it) => (it === record ? version : it.version)).filter((it) => it !== undefined)
      this.#serving.replace(serving)
    } catch (error) {
      await version.stop()
      const left = await version.undoTables()
      throw left === undefined ? error : new Error(`${error instanceof Error ? error.message : String(error)}; ${left}`, { cause: error })
    }
    if (old) this.#retired.push(old)
    record.serves(version)
  }

  /** What began with what is retired now is passed to its end by it: stanzas with all that they meet, and hooks under way. */
  async #letThrough(): Promise<void> {
    if (await this.#parts.registries.drained(DRAIN_LIMIT_MS)) return
    this.#log.warn({ limit: DRAIN_LIMIT_MS }, 'a plugin is stopped though a stanza that began with it is still under way, and meets what serves now')
  }

  #takeOut(records: readonly PluginRecord[]): void {
    const versions = new Set(records.map((it) => it.version).filter((it) => it !== undefined))
    if (versions.size === 0) return
    const inOrder = this.#serving.inOrder.filter((it) => versions.has(it))
    this.#serving.remove(versions)
    this.#retired.push(...inOrder)
    for (const record of records) {
      if (!record.version) continue
      record.version = undefined
      this.#log.info({ plugin: record.name }, 'plugin unloaded')
    }
  }

  #failed(record: PluginRecord, error: unknown): void {
    const { message } = loadFailed(record.name, error, record.folder)
    if (record.error === message) return
    record.error = message
    this.#log.error({ plugin: record.name, reason: message, error }, record.version ? 'plugin failed, the old version serves on' : 'plugin failed')
  }
}
