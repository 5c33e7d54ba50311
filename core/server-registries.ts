/** The places of a running server where plugins put what they contribute, as one object for the plugin host. */
import type { Discovery, DiscoveryItem, DiscoveryProvider, Identity } from '@beaconfire/plugin-sdk'
import type { AdminServer } from './admin/admin-server.js'
import type { CommandRegistry } from './command-registry.js'
import type { HookRegistry } from './pipeline/hooks.js'
import type { InterceptorChain } from './pipeline/interceptor-chain.js'
import type { PinnedTables } from './pipeline/pinned-tables.js'
import type { PluginRank, Registries } from './plugin-host/registries.js'
import type { IqDispatcher } from './router/iq-dispatcher.js'
import type { PluginDomains } from './router/plugin-domains.js'
import type { StreamFeatureRegistry } from './stream/stream-features.js'

export interface ContributionPlaces {
  /** Those of `chain`, `hooks`, `iq` and `domains`. */
  readonly tables: PinnedTables
  readonly chain: InterceptorChain
  readonly hooks: HookRegistry
  readonly iq: IqDispatcher
  readonly streamFeatures: StreamFeatureRegistry
  readonly discovery: DiscoveryRegistry
  readonly domains: PluginDomains
  readonly commands: CommandRegistry
  readonly admin: AdminServer
}

export function registriesOf(places: ContributionPlaces): Registries {
  return {
    interceptor: (plugin, interceptor) => places.chain.add(plugin, interceptor),
    iqHandler: (plugin, handler) => places.iq.add(plugin, handler),
    preAuthIqHandler: (plugin, handler) => places.iq.addPreAuth(plugin, handler),
    hooks: (plugin, hooks) => places.hooks.add(plugin, hooks),
    streamFeature: (plugin, feature) => places.streamFeatures.add(plugin, feature),
    discovery: (plugin, features, identities, provider) => places.discovery.add({ plugin, features, identities, provider }),
    domain: (plugin, domain) => places.domains.add(plugin, domain),
    command: (plugin, command) => places.commands.add(plugin, command),
    adminRoutes: (plugin, routes) => places.admin.addRoutes(plugin, routes),
    consolePages: (plugin, pages) => places.admin.consolePages.add(plugin, pages),
    arrange(plugins) {
      const ranks = new Map(plugins.map((plugin, at) => [plugin, at]))
      // What is no plugin's is core's own, and comes before all of them.
      const rank = (plugin: string) => ranks.get(plugin) ?? -1
      for (const it of [places.chain, places.hooks, places.streamFeatures, places.discovery, places.commands]) it.arrange(rank)
    },
    batch: (change) => places.tables.exchange(change),
    shadow: (plugin, shadow) => places.chain.shadow(plugin, shadow),
    drained: (limitMs) => places.tables.drained(limitMs),
  }
}

interface Discoverable {
  readonly plugin: string
  readonly features: readonly string[]
  readonly identities: readonly Identity[]
  readonly provider: DiscoveryProvider | undefined
}

/** What running plugins say of the server and its accounts in service discovery (XEP-0030). */
export class DiscoveryRegistry implements Discovery {
  #entries: readonly Discoverable[] = []
  #revision = 0
  readonly #domains: PluginDomains

  constructor(domains: PluginDomains) {
    this.#domains = domains
  }

  get revision(): number {
    return this.#revision
  }

  /** @returns the undo */
  add(entry: Discoverable): () => void {
    this.#entries = [...this.#entries, entry]
    this.#revision++
    return () => {
      this.#entries = this.#entries.filter((it) => it !== entry)
      this.#revision++
    }
  }

  arrange(rank: PluginRank): void {
    this.#entries = [...this.#entries].sort((a, b) => rank(a.plugin) - rank(b.plugin))
  }

  features(): readonly string[] {
    return [...new Set(this.#entries.flatMap((it) => it.features))].sort()
  }

  identities(): readonly Identity[] {
    return this.#entries.flatMap((it) => it.identities)
  }

  domains(): readonly DiscoveryItem[] {
    return this.#domains.listed()
  }

  providers(): readonly DiscoveryProvider[] {
    return this.#entries.flatMap((it) => it.provider ?? [])
  }
}
