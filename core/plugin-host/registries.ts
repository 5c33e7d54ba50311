/** Where the plugin host puts what plugins contribute. Each call returns its undo. */
import type {
  AdminRoute,
  Command,
  ConsolePage,
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
import type { InterceptorShadow } from '../pipeline/chain-watch.js'
import type { ShadowCounts, ShadowDifference } from '../pipeline/shadow-results.js'

export type Undo = () => void
/** The place of a plugin in the order in which plugins serve. */
export type PluginRank = (plugin: string) => number

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
  consolePages(plugin: string, pages: readonly ConsolePage[]): Undo
  /** In which order plugins are asked from now on, whenever each has registered what it contributes. Call it inside {@link batch}. */
  arrange(plugins: readonly string[]): void
  /**
   * Runs `change` so that many registrations count as one: chains are compiled and routes mounted once, at its end.
   * No stanza passes in between: `change` is synchronous. A stanza that waits for somebody meanwhile goes on with what there was before.
   */
  batch(change: () => void): void
  /** Puts the interceptors of a shadow version beside those of the plugin; undefined takes them away. */
  shadow(plugin: string, shadow: InterceptorShadow | undefined): void
  /**
   * Resolves with true when nothing is under way any more that began before the last batch: what that took out is not called again; with
   * false after `limitMs`.
   */
  drained(limitMs: number): Promise<boolean>
}

/** Two plugins want the same namespace, path or name. */
export class ContributionConflict extends Error {
  override readonly name = 'ContributionConflict'
}

/** The part of a plugin's context that is the server itself. */
export type ServerFacade = Pick<
  PluginContext,
  | 'domain'
  | 'accounts'
  | 'sessions'
  | 'discovery'
  | 'commands'
  | 'admins'
  | 'audit'
  | 'send'
  | 'route'
  | 'giveBack'
  | 'durability'
  | 'registered'
  | 'limitsEnabled'
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
  /** What should be done though it runs: its tables are of a later version than it knows. */
  readonly warning: string | undefined
  readonly loadedAt: Date | undefined
  readonly reloads: number
  /** Versions of before that are still reachable though they have stopped long ago: what they hold is lost memory. */
  readonly staleVersions: number
  readonly requires: readonly string[]
  readonly provides: readonly string[]
  /** How many of each kind it contributes, and their names. */
  readonly contributions: Readonly<Record<string, readonly string[]>>
}

/** What shows that an uploaded package is what its sender meant to send. */
export interface PackageProof {
  /** SHA-256 of the file, in hexadecimal digits. */
  readonly sha256?: string | undefined
  /** Ed25519 signature of the file by one of the configured keys, in base64. */
  readonly signature?: string | undefined
}

/** Where a shadow version of a plugin comes from. */
export type ShadowSource = { readonly folder: string } | { readonly file: Uint8Array; readonly proof: PackageProof }

export interface ShadowOptions {
  /** True: differences show what was said. */
  readonly bodies: boolean
}

/** A new version of a plugin that sees copies of what the one that serves sees, and does nothing. */
export interface ShadowStatus {
  readonly plugin: string
  readonly version: string
  /** Where it was loaded from. */
  readonly folder: string
  readonly startedAt: Date
  readonly interceptors: readonly string[]
  /** What was left out of its start. */
  readonly notes: readonly string[]
  readonly counts: ShadowCounts
  /** The last ones, newest first. */
  readonly differences: readonly ShadowDifference[]
}

/** What the admin API may do with plugins. */
export interface PluginControl {
  list(): readonly PluginStatus[]
  find(name: string): PluginStatus | undefined
  /** Loads it again from its folder. @throws PluginMissing, PluginLoadFailed (the old version serves on) */
  reload(name: string): Promise<PluginStatus>
  /** Stops a plugin until it is reloaded or a file of it changes; its dependents fail. @throws PluginMissing */
  unload(name: string): Promise<PluginStatus>
  /** Looks through the folders now. */
  rescan(): Promise<readonly PluginStatus[]>
  /**
   * Installs a packed plugin, or replaces one that was. Where the new version fails the file of before is put back, and it serves on.
   * @throws PackageRefused, PluginLoadFailed
   */
  install(file: Uint8Array, proof: PackageProof): Promise<PluginStatus>
  /** Puts a version beside the one that runs, in place of a shadow it had. @throws PluginMissing, PackageRefused, PluginLoadFailed */
  startShadow(name: string, source: ShadowSource, options: ShadowOptions): Promise<ShadowStatus>
  shadowStatus(name: string): ShadowStatus | undefined
  /** @returns false when it had none */
  endShadow(name: string): Promise<boolean>
  /** Installs the shadow for good; where it does not run the version before serves on, and the shadow stays. @throws as {@link install} */
  promoteShadow(name: string): Promise<PluginStatus>
}

/** An uploaded package that cannot be installed. `message` says why and what to do. */
export class PackageRefused extends Error {
  override readonly name = 'PackageRefused'
}

export class PluginMissing extends Error {
  override readonly name = 'PluginMissing'
}
/** `message` says what is wrong and what to do, with the plugin's name. */
export class PluginLoadFailed extends Error {
  override readonly name = 'PluginLoadFailed'
}
