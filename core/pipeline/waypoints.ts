/** The waypoints of all flights: one for each interceptor and stage, for each hook, and for what happens between two stages. */
import type { StageName, Waypoint } from './flight.js'
import type { GuardedInterceptor } from './guarded-interceptor.js'

const NOBODY = { plugin: undefined, band: undefined, stage: undefined }
export const ROUTE: Waypoint = { kind: 'route', name: 'route', ...NOBODY }
export const DELIVER: Waypoint = { kind: 'deliver', name: 'deliver', ...NOBODY }

export class Waypoints {
  readonly #ofInterceptors: Readonly<Record<StageName, WeakMap<GuardedInterceptor, Waypoint>>> = {
    'IN-pre': new WeakMap(),
    'IN-post': new WeakMap(),
    'OUT-pre': new WeakMap(),
    'OUT-post': new WeakMap(),
  }
  readonly #ofHooks = new Map<string, Waypoint>()

  ofInterceptor(guarded: GuardedInterceptor, stage: StageName): Waypoint {
    const known = this.#ofInterceptors[stage].get(guarded)
    if (known) return known
    const { interceptor, key: name, plugin } = guarded
    const made: Waypoint = { kind: 'interceptor', name, plugin, band: interceptor.band, stage }
    this.#ofInterceptors[stage].set(guarded, made)
    return made
  }

  ofHook(plugin: string, hook: string): Waypoint {
    const name = `${plugin}/${hook}`
    const known = this.#ofHooks.get(name)
    if (known) return known
    const made: Waypoint = { kind: 'hook', name, plugin, band: undefined, stage: undefined }
    this.#ofHooks.set(name, made)
    return made
  }
}
