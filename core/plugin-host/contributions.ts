/** Registers everything a plugin contributes, and takes it all back. */
import type { Contributions, Logger } from '@beaconfire/plugin-sdk'
import type { Registries, Undo } from './registries.js'

/**
 * Call it inside `registries.batch`.
 * @returns one undo for all, safe to call twice
 * @throws ContributionConflict when a place is taken; nothing stays registered then
 */
export function registerContributions(registries: Registries, plugin: string, contributions: Contributions, log: Logger): Undo {
  const undos: Undo[] = []
  const undoAll = () => {
    // Last in, first out; one undo that fails must not keep the others from running.
    for (const undo of undos.splice(0).reverse()) {
      try {
        undo()
      } catch (error) {
        log.error({ plugin, error }, 'a contribution could not be taken back')
      }
    }
  }
  try {
    for (const it of contributions.interceptors ?? []) undos.push(registries.interceptor(plugin, it))
    for (const it of contributions.iqHandlers ?? []) undos.push(registries.iqHandler(plugin, it))
    for (const it of contributions.preAuthIqHandlers ?? []) undos.push(registries.preAuthIqHandler(plugin, it))
    if (contributions.hooks) undos.push(registries.hooks(plugin, contributions.hooks))
    for (const it of contributions.streamFeatures ?? []) undos.push(registries.streamFeature(plugin, it))
    const { features = [], identities = [], discovery } = contributions
    if (features.length + identities.length > 0 || discovery) undos.push(registries.discovery(plugin, features, identities, discovery))
    for (const it of contributions.domains ?? []) undos.push(registries.domain(plugin, it))
    for (const it of contributions.commands ?? []) undos.push(registries.command(plugin, it))
    if (contributions.adminRoutes?.length) undos.push(registries.adminRoutes(plugin, contributions.adminRoutes))
    if (contributions.consolePages?.length) undos.push(registries.consolePages(plugin, contributions.consolePages))
  } catch (error) {
    undoAll()
    throw error
  }
  return undoAll
}

/** What a plugin contributes, by kind, as an operator sees it. Kinds it has nothing of are left out. */
export function contributionNames(contributions: Contributions): Record<string, readonly string[]> {
  const names: Record<string, readonly string[]> = {
    interceptors: (contributions.interceptors ?? []).map((it) => it.name),
    iqHandlers: (contributions.iqHandlers ?? []).map((it) => it.namespace),
    preAuthIqHandlers: (contributions.preAuthIqHandlers ?? []).map((it) => it.namespace),
    hooks: Object.keys(contributions.hooks ?? {}),
    streamFeatures: (contributions.streamFeatures ?? []).map((it) => it.when),
    features: contributions.features ?? [],
    identities: (contributions.identities ?? []).map((it) => `${it.category}/${it.type}`),
    domains: (contributions.domains ?? []).map((it) => it.subdomain),
    commands: (contributions.commands ?? []).map((it) => it.node),
    adminRoutes: (contributions.adminRoutes ?? []).map((it) => `${it.method} ${it.path}`),
    consolePages: (contributions.consolePages ?? []).map((it) => it.name),
    listeners: (contributions.listeners ?? []).map((it) => `${it.name} ${it.port}`),
    services: Object.keys(contributions.services ?? {}),
  }
  return Object.fromEntries(Object.entries(names).filter(([, list]) => list.length > 0))
}
