/** The versions that serve, in load order, and the one place where that changes: in a turn in which no stanza passes. */
import type { PluginVersion } from './plugin-version.js'
import type { Registries } from './registries.js'

export class ServingPlugins {
  #versions: readonly PluginVersion[] = []
  readonly #registries: Registries

  constructor(registries: Registries) {
    this.#registries = registries
  }

  get inOrder(): readonly PluginVersion[] {
    return this.#versions
  }

  /**
   * From now on these serve, in this order. What comes after the first difference is registered anew, so that interceptors
   * and hooks are always asked in load order, as after a restart.
   * @throws ContributionConflict; everything is as it was then
   */
  replace(next: readonly PluginVersion[]): void {
    const before = this.#versions
    const same = next.findIndex((version, i) => version !== before[i])
    const kept = same < 0 ? next.length : same
    try {
      this.#exchange(before.slice(kept), next.slice(kept))
    } catch (error) {
      this.#exchange(next.slice(kept), before.slice(kept))
      throw error
    }
    this.#versions = next
    for (const version of before) if (!next.includes(version)) version.retire()
  }

  remove(gone: ReadonlySet<PluginVersion>): void {
    this.replace(this.#versions.filter((it) => !gone.has(it)))
  }

  #exchange(out: readonly PluginVersion[], into: readonly PluginVersion[]): void {
    this.#registries.batch(() => {
      for (const version of out.toReversed()) version.unregister()
      for (const version of into) version.register()
    })
  }
}
