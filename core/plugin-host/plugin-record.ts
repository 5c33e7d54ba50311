/** What the host knows of one plugin: where it is, what should run, what does run, and why not. */
import type { AnyPlugin, ServiceName, Services } from '@beaconfire/plugin-sdk'
import type { FoundPlugin, PluginProblem } from './find-plugins.js'
import type { PluginVersion } from './plugin-version.js'
import type { PluginState, PluginStatus } from './registries.js'

export class PluginRecord {
  readonly name: string
  readonly isDisabled: boolean
  /** Undefined for a plugin given as a value. */
  finding: FoundPlugin | PluginProblem | undefined
  /** The definition that should run. */
  target: AnyPlugin | undefined
  /** The version that serves. */
  version: PluginVersion | undefined
  /** True when the target waits to be started, or to be started again. */
  isDue = false
  /** Unloaded by hand: left alone until it is reloaded or changed. */
  isHeld = false
  error: string | undefined
  /** How many migrations the version knows that served last; undefined before the first. */
  servedMigrations: number | undefined
  reloads = 0
  staleVersions = 0
  #loadedAt: Date | undefined
  #triedServices: Partial<Services> = {}

  constructor(name: string, isDisabled: boolean) {
    this.name = name
    this.isDisabled = isDisabled
  }

  get requires(): readonly ServiceName[] {
    return this.target?.requires ?? []
  }
  get provides(): readonly ServiceName[] {
    return this.target?.provides ?? []
  }
  get folder(): string | undefined {
    const { finding } = this
    return finding && ('folder' in finding ? finding.folder : finding.source)
  }

  /** True when the last attempt was made with other services than these. */
  hasOther(services: Partial<Services>): boolean {
    return this.requires.some((name) => this.#triedServices[name] !== services[name])
  }

  tried(services: Partial<Services>): void {
    this.#triedServices = services
    this.isDue = false
  }

  serves(version: PluginVersion): void {
    if (this.version) this.reloads++
    this.version = version
    this.servedMigrations = version.definition.tables?.length ?? 0
    this.#loadedAt = new Date()
  }

  status(): PluginStatus {
    const { finding, version } = this
    const manifest = finding && 'manifest' in finding ? finding.manifest : undefined
    const definition = version?.definition ?? this.target
    return {
      name: this.name,
      version: definition?.version ?? manifest?.version,
      description: definition?.description ?? manifest?.description,
      state: this.#state(),
      folder: this.folder,
      error: this.error,
      warning: version?.warning,
      loadedAt: version && this.#loadedAt,
      reloads: this.reloads,
      staleVersions: this.staleVersions,
      requires: definition?.requires ?? [],
      provides: definition?.provides ?? [],
      contributions: version?.contributionNames ?? {},
    }
  }

  #state(): PluginState {
    if (this.isDisabled) return 'disabled'
    if (this.version) return 'running'
    if (this.isHeld) return 'unloaded'
    return this.error === undefined ? 'loading' : 'failed'
  }
}
