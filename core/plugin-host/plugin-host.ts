/** Loads plugins from folders while the server runs, and keeps what runs in line with what lies there. */
import { join, resolve } from 'node:path'
import type { AnyPlugin, Logger, ServiceName } from '@beaconfire/plugin-sdk'
import { withinLimit } from '../pipeline/time-limit.js'
import type { CompiledPlugins } from './compiled-plugins.js'
import { type Finding, findPlugins, isProblem } from './find-plugins.js'
import { forgetRoot } from './generations.js'
import { LeakWatch } from './leak-watch.js'
import { loadFailed, loadPlugin } from './load-plugin.js'
import { PackageCache } from './package-cache.js'
import { PluginChanges } from './plugin-changes.js'
import { PluginInstaller } from './plugin-installer.js'
import { PluginPorts } from './plugin-ports.js'
import { PluginRecord } from './plugin-record.js'
import type { VersionParts } from './plugin-version.js'
import {
  type PackageProof,
  type PluginControl,
  PluginLoadFailed,
  PluginMissing,
  type PluginStatus,
  type ShadowOptions,
  type ShadowSource,
  type ShadowStatus,
} from './registries.js'
import { ShadowPlugins } from './shadow-plugins.js'
import { PluginWatcher } from './watch-plugins.js'

/** How long a stop waits for a plugin that is being loaded, in ms: one that hangs must not cost the others their flush. */
const LAST_CHANGE_LIMIT_MS = 1000

export interface PluginHostOptions extends Omit<VersionParts, 'ports'> {
  /** Where plugins lie; the first that has a name wins. One that does not exist yet may appear later. */
  readonly folders: readonly string[]
  /** Names of plugins that are not loaded. */
  readonly disabled: readonly string[]
  /** True: what is dropped in, changed or removed takes effect by itself. */
  readonly watch: boolean
  /** Where packages that come by the admin API are put: one of {@link folders}. Undefined: none are taken. */
  readonly uploads?: string | undefined
  /** Ed25519 keys; with any, an uploaded package must be signed by one. */
  readonly trustedKeys?: readonly string[]
  /** Packed plugins are unpacked below it. */
  readonly dataFolder: string
  /** Plugins of the folders that were compiled beforehand. */
  readonly compiled?: CompiledPlugins | undefined
  /** Plugins given as values; they come before those of the folders. */
  readonly builtIn?: readonly AnyPlugin[]
}

/** Which part of what was found is acted on; everything unless given. */
interface ScanScope {
  /** Only this entry of a plugins folder. */
  readonly source?: string | undefined
  /** This plugin is loaded again though nothing changed. */
  readonly forced?: string | undefined
}

export class PluginHost implements PluginControl {
  readonly #options: PluginHostOptions
  readonly #log: Logger
  readonly #folders: readonly string[]
  readonly #records = new Map<string, PluginRecord>()
  readonly #changes: PluginChanges
  readonly #installer: PluginInstaller
  readonly #shadows: ShadowPlugins
  readonly #packages: PackageCache
  readonly #leaks: LeakWatch
  readonly #watcher: PluginWatcher | undefined
  readonly #listeners = new Set<() => void>()
  /** Loads, reloads and scans go one after the other. */
  #queue: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: PluginHostOptions) {
    this.#options = options
    this.#log = options.log
    this.#folders = [...new Set(options.folders.map((it) => resolve(it)))]
    this.#leaks = new LeakWatch(this.#log, (plugin, versions) => {
      const record = this.#records.get(plugin)
      if (record) record.staleVersions = versions
    })
    this.#changes = new PluginChanges({ ...options, ports: new PluginPorts(this.#log) }, this.#leaks)
    this.#packages = new PackageCache(join(options.dataFolder, 'plugin-packages'), this.#log)
    this.#shadows = new ShadowPlugins(options, this.#packages)
    this.#installer = new PluginInstaller({
      ...options,
      cache: this.#packages.folder,
      find: (name) => this.#records.get(name),
      scan: (source) => this.#scan({ source }),
    })
    if (options.watch && this.#folders.length > 0) this.#watcher = new PluginWatcher(this.#folders, (source) => this.#settled(source), this.#log)
  }

  /** Loads everything. A plugin that fails is logged and shown by {@link list}; it stops neither the others nor the server. */
  async start(): Promise<void> {
    for (const definition of this.#options.builtIn ?? []) {
      const record = this.#record(definition.name)
      record.target = definition
      record.isDue = true
    }
    await Promise.all([this.#watcher?.start(), this.#enqueue(() => this.#scan({}))])
  }

  /** Stops all plugins in reverse order. Calls that wait in the queue are not begun any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#watcher?.close()
    try {
      await withinLimit('the change under way', () => this.#queue, LAST_CHANGE_LIMIT_MS)
    } catch (error) {
      this.#log.warn({ error }, 'plugins are stopped while one of them is being loaded')
    }
    await this.#shadows.stopAll()
    await this.#changes.stopAll()
    this.#leaks.close()
  }

  list(): readonly PluginStatus[] {
    return [...this.#records.values()].map((it) => it.status())
  }

  find(name: string): PluginStatus | undefined {
    return this.#records.get(name)?.status()
  }

  reload(name: string): Promise<PluginStatus> {
    return this.#enqueue(async () => {
      const record = this.#records.get(name)
      if (!record) throw new PluginMissing(`there is no plugin "${name}"`)
      if (record.isDisabled) throw new PluginLoadFailed(`plugin "${name}" is disabled by plugins.disabled in the configuration`)
      record.isHeld = false
      await this.#scan({ forced: name })
      if (!this.#records.has(name)) throw new PluginMissing(`plugin "${name}" is no longer in its folder`)
      if (record.error !== undefined) throw new PluginLoadFailed(record.error)
      return record.status()
    })
  }

  /** Stops a plugin until it is reloaded or a file of it changes; its dependents fail. @throws PluginMissing */
  unload(name: string): Promise<PluginStatus> {
    return this.#enqueue(async () => {
      const record = this.#records.get(name)
      if (!record) throw new PluginMissing(`there is no plugin "${name}"`)
      record.isHeld = true
      record.error = undefined
      await this.#apply([record])
      return record.status()
    })
  }

  install(file: Uint8Array, proof: PackageProof): Promise<PluginStatus> {
    return this.#enqueue(() => this.#installer.install(file, proof))
  }

  startShadow(name: string, source: ShadowSource, options: ShadowOptions): Promise<ShadowStatus> {
    return this.#enqueue(async () => {
      const record = this.#records.get(name)
      if (!record?.version) throw new PluginMissing(`there is no plugin "${name}" that runs; a shadow needs one to stand beside`)
      const found = await this.#installer.shadowFrom(name, source)
      return this.#shadows.start(found, (service) => this.#providerOf(service), options)
    })
  }

  shadowStatus(name: string): ShadowStatus | undefined {
    return this.#shadows.status(name)
  }

  endShadow(name: string): Promise<boolean> {
    return this.#enqueue(() => this.#shadows.stop(name))
  }

  promoteShadow(name: string): Promise<PluginStatus> {
    return this.#enqueue(async () => {
      const found = this.#shadows.found(name)
      if (!found) throw new PluginMissing(`plugin "${name}" has no shadow`)
      const promoted = await this.#installer.promote(found)
      await this.#shadows.stop(name)
      return promoted
    })
  }

  rescan(): Promise<readonly PluginStatus[]> {
    return this.#enqueue(async () => {
      await this.#scan({})
      return this.list()
    })
  }

  /** Called after each round of changes, whether something changed or not. @returns the undo */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** @throws PluginLoadFailed when no plugin that runs provides it */
  #providerOf(service: ServiceName): AnyPlugin {
    for (const { version } of this.#records.values()) if (version?.service(service) !== undefined) return version.definition
    throw new PluginLoadFailed(`requires service "${service}", which no plugin that runs provides`)
  }

  #settled(source: string | undefined): void {
    this.#enqueue(() => this.#scan({ source })).catch((error: unknown) => {
      if (!this.#isStopped) this.#log.error({ source, error }, 'the plugins folder could not be looked through')
    })
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      if (this.#isStopped) throw new PluginLoadFailed('the server is stopping')
      try {
        return await work()
      } finally {
        await this.#tidy()
      }
    })
    // Whoever asked sees the failure; the queue goes on after it.
    this.#queue = turn.then(
      () => this.#notify(),
      () => this.#notify(),
    )
    return turn
  }

  /** Ends and removes what a change has left without use. Never rejects. */
  async #tidy(): Promise<void> {
    await this.#shadows.stopOrphans((name) => this.#records.get(name)?.version !== undefined)
    const records = [...this.#records.values()]
    const shadows = this.#shadows.all
    await this.#installer.pruneShadows(new Set(shadows.map((it) => it.found.source)))
    const findings = [...records.map((it) => it.finding), ...shadows.map((it) => it.found)].filter((it) => it !== undefined)
    const definitions = [...records.flatMap((it) => [it.target, it.version?.definition]), ...shadows.map((it) => it.definition)]
    await this.#packages.prune(
      findings,
      definitions.filter((it) => it !== undefined),
    )
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  async #scan(scope: ScanScope): Promise<void> {
    const found = await findPlugins(this.#folders, this.#packages.folder)
    const present = new Set(found.map((it) => it.name))
    const findings = found.map((it) => this.#underKnownName(it, present))
    const gone = [...this.#records.values()].filter((it) => it.finding && !present.has(it.name) && isInScope(scope, it.finding))
    for (const record of gone) this.#records.delete(record.name)
    for (const finding of findings) {
      // What was in the way of another plugin may be gone now: then all are looked at.
      if (gone.length > 0 || isInScope(scope, finding)) await this.#take(finding, finding.name === scope.forced)
    }
    const forced = scope.forced === undefined ? undefined : this.#records.get(scope.forced)
    if (forced && !forced.finding) forced.isDue = true
    await this.#apply(gone)
    for (const record of gone) if (record.folder) await forgetRoot(record.folder)
  }

  /** A package that cannot be read tells no name: it is the plugin's that was found there before. */
  #underKnownName(finding: Finding, present: Set<string>): Finding {
    if (!isProblem(finding)) return finding
    const known = [...this.#records.values()].find((it) => it.finding?.source === finding.source)
    if (!known || present.has(known.name)) return finding
    present.add(known.name)
    return { ...finding, name: known.name }
  }

  /** Imports what was found, when it is new or has changed. What runs is not touched yet. */
  async #take(finding: Finding, isForced: boolean): Promise<void> {
    const record = this.#record(finding.name)
    if (record.target && !record.finding) return // given as a value
    const isSame = record.finding?.fingerprint === finding.fingerprint && record.finding.source === finding.source
    if (isSame && !isForced) return
    record.finding = finding
    record.isHeld = false
    if (record.isDisabled) return
    try {
      if (isProblem(finding)) throw new PluginLoadFailed(finding.message)
      record.target = await loadPlugin(finding, this.#options.compiled)
      this.#packages.loaded(record.target, finding)
      record.isDue = true
    } catch (error) {
      // What ran before goes on; what waited for a service must not start in its older form.
      if (!record.version) record.target = undefined
      record.error = loadFailed(finding.name, error, record.folder).message
      const text = record.version ? 'plugin failed, the old version serves on' : 'plugin failed'
      this.#log.error({ plugin: finding.name, reason: record.error, error }, text)
    }
  }

  async #apply(gone: readonly PluginRecord[]): Promise<void> {
    const wanted = [...this.#records.values()].filter((it) => !it.isDisabled && !it.isHeld)
    await this.#changes.apply(wanted, gone)
  }

  #record(name: string): PluginRecord {
    const known = this.#records.get(name)
    if (known) return known
    const record = new PluginRecord(name, this.#options.disabled.includes(name))
    this.#records.set(name, record)
    return record
  }
}

function isInScope(scope: ScanScope, finding: Finding): boolean {
  return scope.source === undefined || scope.source === finding.source
}
