/** Where the plugin host puts what plugins contribute. Each call returns its undo. */
import type {
  AdminRoute,
  Command,
  DiscoveryProvider,
  Hooks,
  Identity,
  IqHandler,
  PacketInterceptor,
  PluginContext,
  PluginDomain,
  PreAuthIqHandler,
  StreamFeature,
} from '@beaconfire/plugin-sdk'

export type Undo = () => void

/** Every call may throw a `ContributionConflict` when the place is taken; the host then undoes the plugin. */
export interface Registries {
  interceptor(plugin: string, interceptor: PacketInterceptor): Undo
  iqHandler(plugin: string, handler: IqHandler): Undo
  preAuthIqHandler(plugin: string, handler: PreAuthIqHandler): Undo
  hooks(plugin: string, hooks: Partial<Hooks>): Undo
  streamFeature(plugin: string, feature: StreamFeature): Undo
  discovery(plugin: string, features: readonly string[], identities: readonly Identity[], provider?: DiscoveryProvider): Undo
  domain(plugin: string, domain: PluginDomain): Undo
  command(plugin: string, command: Command): Undo
  adminRoutes(plugin: string, routes: readonly AdminRoute[]): Undo
  /**
   * Runs `change` so that many registrations count as one: chains are compiled and routes mounted once, at its end.
   * No stanza passes in between: `change` is synchronous.
   */
  batch(change: () => void): void
}

/** Two plugins want the same namespace, path or name. */
export class ContributionConflict extends Error {
  override readonly name = 'ContributionConflict'
}

/** The part of a plugin's context that is the server itself. */
export type ServerFacade = Pick<
  PluginContext,
  'domain' | 'accounts' | 'sessions' | 'discovery' | 'commands' | 'admins' | 'audit' | 'send' | 'route' | 'registered' | 'limitsEnabled'
>

export type PluginState = 'running' | 'failed' | 'loading' | 'disabled' | 'unloaded'

/** One plugin as an operator sees it. */
export interface PluginStatus {
  readonly name: string
  readonly version: string | undefined
  readonly description: string | undefined
  readonly state: PluginState
  /** Folder it came from; undefined for one given as a value. */
  readonly folder: string | undefined
  /** Why the last load failed. With state `running` it says why a newer version is not. */
  readonly error: string | undefined
  readonly loadedAt: Date | undefined
  readonly reloads: number
  readonly requires: readonly string[]
  readonly provides: readonly string[]
  /** How many of each kind it contributes, and their names. */
  readonly contributions: Readonly<Record<string, readonly string[]>>
}

/** What the admin API may do with plugins. */
export interface PluginControl {
  list(): readonly PluginStatus[]
  find(name: string): PluginStatus | undefined
  /** Loads it again from its folder. @throws PluginMissing, PluginLoadFailed (the old version serves on) */
  reload(name: string): Promise<PluginStatus>
  /** Looks through the folders now. */
  rescan(): Promise<readonly PluginStatus[]>
}

export class PluginMissing extends Error {
  override readonly name = 'PluginMissing'
}
/** `message` says what is wrong and what to do, with the plugin's name. */
export class PluginLoadFailed extends Error {
  override readonly name = 'PluginLoadFailed'
}
