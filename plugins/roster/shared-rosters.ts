/** Keeps shared groups in memory, and takes what changes in them to the rosters that are, too. */
import type { Logger } from '@beaconfire/plugin-sdk'
import { hasFrom } from './roster-entry.js'
import type { RosterPushes } from './roster-pushes.js'
import type { Rosters } from './rosters.js'
import type { SharedGroupStore, StoredGroups } from './shared-group-store.js'
import { SharedGroups } from './shared-groups.js'
import { sameTexts } from './shared-part.js'
import type { Subscriptions } from './subscriptions.js'

const NONE: StoredGroups = { shared: [], members: new Map(), names: new Map(), everybody: [] }

export interface SharedRostersCollaborators {
  readonly rosters: Rosters
  readonly pushes: Pick<RosterPushes, 'push' | 'pushRemoval'>
  readonly subscriptions: Pick<Subscriptions, 'notify'>
}

export class SharedRosters {
  readonly #store: SharedGroupStore
  readonly #domain: string
  readonly #log: Logger
  #groups: SharedGroups
  #reloading: Promise<number> | undefined

  constructor(store: SharedGroupStore, domain: string, log: Logger) {
    this.#store = store
    this.#domain = domain
    this.#log = log
    this.#groups = new SharedGroups(NONE, domain, log)
  }

  get groups(): SharedGroups {
    return this.#groups
  }

  async load(): Promise<void> {
    this.#groups = new SharedGroups(await this.#store.load(), this.#domain, this.#log)
  }

  /** Reads the groups again; contacts that came or went are pushed. @returns rosters in memory that changed */
  async reload(server: SharedRostersCollaborators): Promise<number> {
    while (this.#reloading) await this.#reloading // one that began before may have read what was there before
    this.#reloading = this.#reload(server).finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  async #reload({ rosters, pushes, subscriptions }: SharedRostersCollaborators): Promise<number> {
    await this.load()
    let changed = 0
    for (const { roster, changes } of rosters.reshare()) {
      let differs = false
      for (const { before, after } of changes) {
        const contact = (after ?? before)?.jid
        if (!contact) continue
        const sees = [before, after].map((it) => hasFrom(it))
        if (sees[0] !== sees[1]) await subscriptions.notify(roster.user, contact, sees[1] ?? false)
        if (!before?.listed && !after?.listed) continue
        if (before?.listed && after?.listed && sameItem(before, after)) continue
        differs = true
        if (after?.listed) await pushes.push(roster, after)
        else await pushes.pushRemoval(roster, contact)
      }
      if (differs) changed++
    }
    return changed
  }
}

interface Item {
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly subscription: string
}

function sameItem(one: Item, other: Item): boolean {
  return one.name === other.name && one.subscription === other.subscription && sameTexts(one.groups, other.groups)
}
