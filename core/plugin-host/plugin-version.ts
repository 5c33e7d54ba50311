/** One version of a plugin, from its setup to its stop. In a reload two of them live side by side for a moment. */
import {
  type AnyPlugin,
  type Contributions,
  isPromise,
  type Logger,
  type MaybePromise,
  type PacketInterceptor,
  type PortListener,
  type ServiceName,
  type Services,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { MigratedTables } from '../database/migrator.js'
import { contributionNames, registerContributions } from './contributions.js'
import { buildContext, type ContextParts, type OwnedContext } from './plugin-context.js'
import type { PortHolder } from './plugin-ports.js'
import { PluginSteps } from './plugin-step.js'
import type { Registries, Undo } from './registries.js'

/** What the migrations of a version may take, in ms. */
const MIGRATION_LIMIT_MS = 600_000

/** What versions are made of. */
export interface VersionParts extends ContextParts {
  readonly registries: Registries
  readonly ports: { prepare(plugin: string, listeners: readonly PortListener[]): Promise<PortHolder | undefined> }
}

export class PluginVersion {
  readonly definition: AnyPlugin
  /** The services it was given, by name. */
  readonly services: Partial<Services>
  readonly contributionNames: Readonly<Record<string, readonly string[]>>
  readonly #contributions: Contributions
  readonly #owned: OwnedContext
  readonly #tables: MigratedTables | undefined
  readonly #parts: VersionParts
  readonly #log: Logger
  readonly #steps: PluginSteps
  #ports: PortHolder | undefined
  #undo: Undo | undefined

  private constructor(
    definition: AnyPlugin,
    contributions: Contributions,
    owned: OwnedContext,
    tables: MigratedTables | undefined,
    parts: VersionParts,
  ) {
    this.definition = definition
    this.services = owned.context.services
    this.contributionNames = contributionNames(contributions)
    this.#contributions = contributions
    this.#owned = owned
    this.#tables = tables
    this.#parts = parts
    this.#log = parts.log
    this.#steps = new PluginSteps(parts.log, definition.name)
  }

  /**
   * Runs the plugin's `setup` and its migrations.
   * @param served how many migrations the version knows that has served so far
   * @throws Error that names the step that failed; nothing of the version is left then
   */
  static async prepare(definition: AnyPlugin, parts: VersionParts, services: Partial<Services>, served?: number): Promise<PluginVersion> {
    const owned = buildContext(definition, parts, services)
    const steps = new PluginSteps(parts.log, definition.name)
    try {
      const contributions = await steps.run<Contributions>('setup()', () => definition.setup(owned.context as never))
      if (typeof contributions !== 'object' || contributions === null) throw new Error('setup() must return an object of contributions')
      const missing = definition.provides?.find((service) => !contributions.services?.[service])
      if (missing !== undefined) throw new Error(`it provides service "${missing}", but setup() returned none of that name`)
      const { name, tables } = definition
      // Large tables take their time, and nothing ends a migration that was begun.
      const migrated = tables?.length
        ? await steps.run('its migration', () => parts.database.migrate(name, tables, served), MIGRATION_LIMIT_MS)
        : undefined
      return new PluginVersion(definition, contributions, owned, migrated, parts)
    } catch (error) {
      owned.dispose()
      throw error
    }
  }

  get name(): string {
    return this.definition.name
  }

  get interceptors(): readonly PacketInterceptor[] {
    return this.#contributions.interceptors ?? []
  }

  /** What only this version was given, and nobody but it should keep once it has stopped. */
  get context(): object {
    return this.#owned.context
  }

  /** What an operator should know though it serves. */
  get warning(): string | undefined {
    const known = this.definition.tables?.length ?? 0
    if (!this.#tables || this.#tables.version <= known) return undefined
    return `its tables are of version ${this.#tables.version}, and this version knows them up to ${known}: it is refused when the server is started again; before that, install a later one, or bring back a backup of the tables`
  }

  service(name: ServiceName): Services[ServiceName] | undefined {
    return this.#contributions.services?.[name]
  }

  /** @throws Error that names the step that failed */
  async start(): Promise<void> {
    await this.#steps.run('start()', () => this.#contributions.start?.())
    const isHealthy = await this.#steps.run('its health check healthy()', () => this.#contributions.healthy?.())
    if (isHealthy === false) throw new Error('its health check says that it cannot do its work: healthy() returned false')
    this.#ports = await this.#parts.ports.prepare(this.name, this.#contributions.listeners ?? [])
  }

  /**
   * Gives this version what the one before knows. Where both are synchronous about it, it is done when this returns: the caller exchanges
   * the two in the same turn, and no stanza comes in between.
   * @throws Error (or rejects) when `restore` fails
   */
  takeOver(old: PluginVersion): MaybePromise<void> {
    return whenDone(old.#save(), (state) =>
      state === undefined ? undefined : this.#steps.run('restore()', () => this.#contributions.restore?.(state)),
    )
  }

  /** A `save` that fails is logged and costs the memory, not the reload. */
  #save(): MaybePromise<unknown> {
    const failed = (error: unknown) => {
      this.#log.error({ plugin: this.name, error }, 'plugin could not save its state for the next version')
      return undefined
    }
    try {
      const saved = this.#steps.run('save()', () => this.#contributions.save?.())
      return isPromise(saved) ? saved.then((it) => structuredClone(it)).catch(failed) : structuredClone(saved)
    } catch (error) {
      return failed(error)
    }
  }

  /** Call it inside `registries.batch`. @throws ContributionConflict */
  register(): void {
    if (this.#undo) return
    const undo = registerContributions(this.#parts.registries, this.name, this.#contributions, this.#log)
    this.#undo = () => {
      this.#ports?.letGo()
      undo()
    }
    this.#ports?.take()
  }

  /** Call it inside `registries.batch`. Never throws. */
  unregister(): void {
    this.#undo?.()
    this.#undo = undefined
  }

  /** It does not serve any more, and will not again: nobody is let in by ports that were its alone. What it began it may end. */
  retire(): void {
    this.#ports?.leave()
  }

  /** Takes back the migrations that came with this version. @returns why tables stay as they are, if they do. Never rejects */
  async undoTables(): Promise<string | undefined> {
    return this.#tables?.undo()
  }

  /** Lets the plugin flush, then takes its timers, metrics, ports and connections away. Never rejects: what fails is logged. */
  async stop(limitMs?: number): Promise<void> {
    try {
      await this.#steps.run('stop()', () => this.#contributions.stop?.(), limitMs)
    } catch (error) {
      this.#log.error({ plugin: this.name, error }, 'plugin did not stop cleanly')
    }
    this.#ports?.release()
    this.#owned.dispose()
  }
}
