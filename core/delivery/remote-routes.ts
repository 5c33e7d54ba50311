/** Where a stanza for another domain goes. Core only offers the seam: federation, components and clusters register here. */
import type { Jid, MaybePromise, Stanza } from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'

export interface RemoteRoute {
  readonly name: string
  /** @returns true when it took the stanza */
  route(stanza: Stanza, to: Jid, origin: Origin): MaybePromise<boolean>
}

export class RemoteRoutes {
  #routes: readonly RemoteRoute[] = []

  /** @returns the undo */
  add(route: RemoteRoute): () => void {
    this.#routes = [...this.#routes, route]
    return () => {
      this.#routes = this.#routes.filter((it) => it !== route)
    }
  }

  /** Asks each in order of adding. @returns false when none took it */
  async route(stanza: Stanza, to: Jid, origin: Origin): Promise<boolean> {
    for (const route of this.#routes) {
      if (await route.route(stanza, to, origin)) return true
    }
    return false
  }

  get isEmpty(): boolean {
    return this.#routes.length === 0
  }
}
