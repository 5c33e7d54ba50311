/** The places of a running server where plugins put what they contribute, as one object for the plugin host. */
import type { Identity } from '@beaconfire/plugin-sdk'
import type { AdminServer } from './admin/admin-server.js'
import type { HookRegistry } from './pipeline/hooks.js'
import type { InterceptorChain } from './pipeline/interceptor-chain.js'
import type { Registries } from './plugin-host/registries.js'
import type { IqDispatcher } from './router/iq-dispatcher.js'
import type { StreamFeatureRegistry } from './stream/stream-features.js'

export interface ContributionPlaces {
  readonly chain: InterceptorChain
  readonly hooks: HookRegistry
  readonly iq: IqDispatcher
  readonly streamFeatures: StreamFeatureRegistry
  readonly discovery: DiscoveryRegistry
  readonly admin: AdminServer
}

export function registriesOf(places: ContributionPlaces): Registries {
  return {
    interceptor: (plugin, interceptor) => places.chain.add(plugin, interceptor),
    iqHandler: (plugin, handler) => places.iq.add(plugin, handler),
    preAuthIqHandler: (plugin, handler) => places.iq.addPreAuth(plugin, handler),
    hooks: (plugin, hooks) => places.hooks.add(plugin, hooks),
    streamFeature: (_plugin, feature) => places.streamFeatures.add(feature),
    discovery: (_plugin, features, identities) => places.discovery.add(features, identities),
    adminRoutes: (plugin, routes) => places.admin.addRoutes(plugin, routes),
    batch: (change) => places.chain.batch(change),
  }
}

interface Discoverable {
  readonly features: readonly string[]
  readonly identities: readonly Identity[]
}

/** What running plugins say of the server in service discovery (XEP-0030). */
export class DiscoveryRegistry {
  #entries: readonly Discoverable[] = []

  /** @returns the undo */
  add(features: readonly string[], identities: readonly Identity[]): () => void {
    const entry = { features, identities }
    this.#entries = [...this.#entries, entry]
    return () => {
      this.#entries = this.#entries.filter((it) => it !== entry)
    }
  }

  features(): readonly string[] {
    return [...new Set(this.#entries.flatMap((it) => it.features))].sort()
  }

  identities(): readonly Identity[] {
    return this.#entries.flatMap((it) => it.identities)
  }
}
