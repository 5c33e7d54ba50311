/** In which order plugins start: what provides a service before what requires it, else the order they were found in. */

export interface Orderable {
  readonly name: string
  readonly requires: readonly string[]
  readonly provides: readonly string[]
}

export interface LoadOrder<Plugin extends Orderable> {
  /** Those that can start, providers first. */
  readonly order: readonly Plugin[]
  /** Name of a plugin that cannot start → why, in words for the operator. */
  readonly problems: ReadonlyMap<string, string>
  /** Service → the plugin that provides it. */
  readonly providers: ReadonlyMap<string, Plugin>
}

/** A missing or cyclic requirement is a problem of that plugin and of its dependents, of nobody else. */
export function loadOrder<Plugin extends Orderable>(plugins: readonly Plugin[]): LoadOrder<Plugin> {
  const problems = new Map<string, string>()
  const providers = providersOf(plugins, problems)
  const order: Plugin[] = []
  const state = new Map<Plugin, 'open' | 'done'>()

  function visit(plugin: Plugin, path: readonly Plugin[]): void {
    if (state.get(plugin) === 'done' || problems.has(plugin.name)) return
    if (state.get(plugin) === 'open') {
      const cycle = path.slice(path.indexOf(plugin))
      if (cycle.length === 1) {
        problems.set(plugin.name, `requires a service that it provides itself; take it out of requires`)
        return
      }
      const text = [...cycle, plugin].map((it) => `"${it.name}"`).join(' → ')
      for (const it of cycle) problems.set(it.name, `plugins require each other in a circle: ${text}; drop one of these requirements`)
      return
    }
    state.set(plugin, 'open')
    for (const service of plugin.requires) visitProvider(plugin, service, path)
    state.set(plugin, 'done')
    if (!problems.has(plugin.name)) order.push(plugin)
  }

  function visitProvider(plugin: Plugin, service: string, path: readonly Plugin[]): void {
    const provider = providers.get(service)
    if (!provider) {
      if (!problems.has(plugin.name)) problems.set(plugin.name, `requires service "${service}", which no plugin provides; add one that does`)
      return
    }
    visit(provider, [...path, plugin])
    if (problems.has(provider.name) && !problems.has(plugin.name)) problems.set(plugin.name, providerFailed(service, provider.name))
  }

  for (const plugin of plugins) visit(plugin, [])
  return { order, problems, providers }
}

/** Why a dependent cannot run. */
export function providerFailed(service: string, provider: string): string {
  return `requires service "${service}", whose plugin "${provider}" failed`
}

function providersOf<Plugin extends Orderable>(plugins: readonly Plugin[], problems: Map<string, string>): Map<string, Plugin> {
  const providers = new Map<string, Plugin>()
  for (const plugin of plugins) {
    const taken = plugin.provides.find((service) => providers.has(service))
    if (taken !== undefined) {
      problems.set(plugin.name, `provides service "${taken}", as plugin "${providers.get(taken)?.name}" does already; disable one of the two`)
    } else for (const service of plugin.provides) providers.set(service, plugin)
  }
  return providers
}
