/** Which admin routes are mounted, by whom; refuses a route that would take or shadow another owner's. */
import type { AdminRoute } from '@beaconfire/plugin-sdk'
import { ContributionConflict } from '../plugin-host/registries.js'
import { type CompiledSchemas, compileSchemas } from './compiled-schemas.js'

export const API_PREFIX = '/api/v1'
/** RFC 8615 */
export const WELL_KNOWN_PREFIX = '/.well-known'
export const CORE_OWNER = 'core'

export interface MountedRoute {
  readonly owner: string
  readonly route: AdminRoute
  /** `/api/v1`, or `/.well-known` for public documents. */
  readonly prefix: string
  /** Below the prefix; '' is the prefix itself. */
  readonly path: string
  readonly compiled: CompiledSchemas
}

/** No wildcards, patterns or optional parts: what a route answers can be told by looking at it. */
const PATH = /^(?:\/(?::[A-Za-z]\w*|[\w.~-]+))+$/

export class RouteTable {
  #routes: readonly MountedRoute[] = []

  get routes(): readonly MountedRoute[] {
    return this.#routes
  }

  /**
   * Adds all of them or none.
   * @returns the undo
   * @throws ContributionConflict naming both owners; TypeError for a path or schema that cannot be used
   */
  add(owner: string, routes: readonly AdminRoute[]): () => void {
    const added: MountedRoute[] = []
    for (const route of routes) {
      const mounted = mount(owner, route)
      this.#refuseConflict(mounted, added)
      added.push(mounted)
    }
    this.#routes = [...this.#routes, ...added]
    return () => {
      this.#routes = this.#routes.filter((it) => !added.includes(it))
    }
  }

  #refuseConflict(mounted: MountedRoute, added: readonly MountedRoute[]): void {
    for (const other of [...this.#routes, ...added]) {
      if (other.route.method !== mounted.route.method || other.prefix !== mounted.prefix) continue
      const own = other.owner === mounted.owner
      if (own ? sameAddress(other.path, mounted.path) : mayMeet(other.path, mounted.path)) {
        throw new ContributionConflict(
          `${mounted.owner} cannot mount ${mounted.route.method} ${mounted.prefix}${mounted.path}: ${other.owner} has ${other.prefix}${other.path}`,
        )
      }
    }
  }
}

function mount(owner: string, route: AdminRoute): MountedRoute {
  if (route.path !== '/' && !PATH.test(route.path)) throw new TypeError(`${owner}: "${route.path}" is no path of an admin route`)
  const own = route.path === '/' ? '' : route.path
  if (route.wellKnown && (route.method !== 'GET' || own === '')) throw new TypeError(`${owner}: "${route.path}" is no public document`)
  const prefix = route.wellKnown ? WELL_KNOWN_PREFIX : API_PREFIX
  const path = route.topLevel || route.wellKnown || owner === CORE_OWNER ? own : `/plugins/${owner}${own}`
  try {
    return { owner, route, prefix, path, compiled: compileSchemas(route) }
  } catch (error) {
    throw new TypeError(`${owner}: the schema of ${route.method} ${prefix}${path} cannot be compiled`, { cause: error })
  }
}

/** Equal but for the names of parameters. */
function sameAddress(one: string, other: string): boolean {
  const nameless = (path: string) => path.replace(/:\w+/g, ':')
  return nameless(one) === nameless(other)
}

/** True when one request could be meant for both: a plugin's `/users/export` would hide the user `export`. */
function mayMeet(one: string, other: string): boolean {
  const left = one.split('/')
  const right = other.split('/')
  return left.length === right.length && left.every((part, i) => part === right[i] || part.startsWith(':') || right[i]?.startsWith(':'))
}
