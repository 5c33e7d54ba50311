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
   * From now on these serve, in this order. What was there already is not touched; interceptors and hooks are always asked in load order,
   * as after a restart.
   * @throws ContributionConflict; everything is as it was then
   */
  replace(next: readonly PluginVersion[]): void {
    const before = this.#versions
    const gone = before.filter((it) => !next.includes(it))
    const added = next.filter((it) => !before.includes(it))
    this.#registries.batch(() => {
      try {
        this.#exchange(gone, added, next)
      } catch (error) {
        this.#exchange(added, gone, before)
        throw error
      }
    })
    this.#versions = next
    for (const version of gone) version.retire()
  }

  remove(gone: ReadonlySet<PluginVersion>): void {
    this.replace(this.#versions.filter((it) => !gone.has(it)))
  }

  #exchange(out: readonly PluginVersion[], into: readonly PluginVersion[], serving: readonly PluginVersion[]): void {
    for (const version of out.toReversed()) version.unregister()
    for (const version of into) version.register()
    this.#registries.arrange(serving.map((it) => it.name))
  }
}
