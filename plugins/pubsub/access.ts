/** Who may do what at a node: affiliations and access models (XEP-0060 §4.1, §4.5). */
import { Jid, type MaybePromise, type RosterItem, type RosterService, StanzaError, whenDone } from '@beaconfire/plugin-sdk'
import type { Affiliation, Node, Subscription } from './node.js'
import { pubsubError } from './pubsub-errors.js'
import type { PubsubService } from './services.js'

const ALWAYS_READ: ReadonlySet<Affiliation> = new Set(['owner', 'publisher', 'member'])
const ALWAYS_PUBLISH: ReadonlySet<Affiliation> = new Set(['owner', 'publisher', 'publish-only'])
const NEVER_READ: ReadonlySet<Affiliation> = new Set(['outcast', 'publish-only'])

export class Access {
  readonly #roster: RosterService
  readonly #domain: string

  constructor(roster: RosterService, domain: Jid) {
    this.#roster = roster
    this.#domain = domain.domain
  }

  /** An account owns what is at it, whatever the table says. */
  affiliation(service: PubsubService, node: Node, who: Jid): Affiliation {
    const bare = who.bare()
    if (service.kind === 'account' && bare.equals(service.jid)) return 'owner'
    return node.affiliations.get(bare.toString()) ?? 'none'
  }

  /** @throws StanzaError forbidden */
  assertOwner(service: PubsubService, node: Node, who: Jid): void {
    if (this.affiliation(service, node, who) !== 'owner') throw new StanzaError('forbidden')
  }

  mayPublish(service: PubsubService, node: Node, who: Jid): boolean {
    const affiliation = this.affiliation(service, node, who)
    if (ALWAYS_PUBLISH.has(affiliation)) return true
    if (affiliation === 'outcast') return false
    if (node.config.publishModel === 'open') return true
    return node.config.publishModel === 'subscribers' && this.isSubscribed(node, who)
  }

  isSubscribed(node: Node, who: Jid): boolean {
    return subscriptionsBy(node, who).some((it) => it.state === 'subscribed')
  }

  /**
   * Why this entity may not get items (§6.5.1), or undefined when it may.
   * @param seesPresence true or false where that is known, so that no roster need be read for it
   */
  refusal(service: PubsubService, node: Node, who: Jid, seesPresence?: boolean): MaybePromise<StanzaError | undefined> {
    const affiliation = this.affiliation(service, node, who)
    if (NEVER_READ.has(affiliation)) return new StanzaError('forbidden')
    if (ALWAYS_READ.has(affiliation)) return undefined
    switch (node.config.accessModel) {
      case 'open':
        return undefined
      case 'presence':
        if (seesPresence !== undefined) return seesPresence ? undefined : presenceRequired()
        return whenDone(this.#isKnownToOwner(service, node, who, maySeePresence), (known) => (known ? undefined : presenceRequired()))
      case 'roster':
        return whenDone(
          this.#isKnownToOwner(service, node, who, (item) => maySeePresence(item) && isInGroup(item, node)),
          (known) => (known ? undefined : pubsubError('not-authorized', 'not-in-roster-group')),
        )
      case 'authorize':
        return this.isSubscribed(node, who) ? undefined : pubsubError('not-authorized', 'not-subscribed')
      case 'whitelist':
        return pubsubError('not-allowed', 'closed-node')
    }
  }

  /** May `who` see the presence of this account? */
  seesPresence(account: Jid, who: Jid): MaybePromise<boolean> {
    return whenDone(this.#roster.item(account, who.bare()), maySeePresence)
  }

  /** Asks the rosters of the owners that have an account here, one after the other. */
  #isKnownToOwner(service: PubsubService, node: Node, who: Jid, fits: (item: RosterItem | undefined) => boolean): MaybePromise<boolean> {
    if (service.kind === 'account') return whenDone(this.#roster.item(service.jid, who.bare()), fits)
    const owners = [...node.affiliations].filter(([, affiliation]) => affiliation === 'owner').map(([jid]) => jid)
    return this.#isKnownToAny(owners, who, fits)
  }

  async #isKnownToAny(owners: readonly string[], who: Jid, fits: (item: RosterItem | undefined) => boolean): Promise<boolean> {
    for (const text of owners) {
      const owner = Jid.tryParse(text)
      if (owner?.domain === this.#domain && owner.local !== '' && fits(await this.#roster.item(owner, who.bare()))) return true
    }
    return false
  }
}

/** Subscriptions of this entity, whichever of its addresses they are for. */
export function subscriptionsBy(node: Node, who: Jid): readonly Subscription[] {
  const bare = who.bare()
  const own = node.subscriptions.get(bare.toString())
  if (node.subscriptions.size === 0 || (own && node.subscriptions.size === 1)) return own ? [own] : []
  return [...node.subscriptions.values()].filter((it) => it.jid.bare().equals(bare))
}

export function maySeePresence(item: RosterItem | undefined): boolean {
  return item?.subscription === 'from' || item?.subscription === 'both'
}

function isInGroup(item: RosterItem | undefined, node: Node): boolean {
  return item?.groups.some((it) => node.config.rosterGroups.includes(it)) ?? false
}

function presenceRequired(): StanzaError {
  return pubsubError('not-authorized', 'presence-subscription-required')
}
