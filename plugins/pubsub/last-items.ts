/** Sends last items to those who come, or become interested, or are let in (XEP-0163 §4.3.4). */
import type { CapabilitiesChange, ClientSession, Jid, RosterItem, RosterService, SubscriptionChange } from '@beaconfire/plugin-sdk'
import { subscriptionsBy } from './access.js'
import type { Engine } from './engine.js'
import { type Item, isExpired, type Node, rememberable } from './node.js'
import type { SendLast } from './node-config.js'
import type { PubsubService } from './services.js'
import { dropSubscriptionsWithoutAccess } from './subscription-changes.js'

const NOTIFY = '+notify'
const ON_PRESENCE: readonly SendLast[] = ['on_sub_and_presence']
const ON_SUBSCRIPTION: readonly SendLast[] = ['on_sub', 'on_sub_and_presence']

export class LastItems {
  readonly #engine: Engine
  readonly #roster: RosterService
  readonly #server: { readonly domain: Jid; readonly service: Jid | undefined; sessionsOf(user: Jid): readonly ClientSession[] }

  /** @param server.service the pubsub service, if there is one */
  constructor(
    engine: Engine,
    roster: RosterService,
    server: { readonly domain: Jid; readonly service: Jid | undefined; sessionsOf(user: Jid): readonly ClientSession[] },
  ) {
    this.#engine = engine
    this.#roster = roster
    this.#server = server
  }

  /** A client's interests are known now: it gets the last item of each node that it had not asked for before. */
  async interested({ session, features, before }: CapabilitiesChange): Promise<void> {
    const wanted = interests(features).filter((it) => !before.has(it + NOTIFY))
    if (wanted.length === 0) return
    const user = session.jid.bare()
    const contacts: Jid[] = [user]
    for (const item of (await this.#roster.items(user)).values()) if (this.#isSeen(item)) contacts.push(item.jid)
    const services = await this.#engine.services.ofAll(contacts)
    // What the user's own roster says of a local contact is what the contact's says: both are changed together.
    await Promise.all(services.map((service) => this.#sendAll(service, wanted, session, ON_PRESENCE)))
  }

  /** A client has become available: subscribed to nodes of the service that say so, it gets their last items. */
  async available(session: ClientSession): Promise<void> {
    const { service: address } = this.#server
    if (!address) return
    const service = await this.#engine.services.of(address)
    for (const node of service.nodes.values()) {
      if (node.config.sendLast !== 'on_sub_and_presence') continue
      const isSubscribed = subscriptionsBy(node, session.jid).some((it) => it.state === 'subscribed' && (it.jid.isBare || it.jid.equals(session.jid)))
      if (isSubscribed) await this.#send(service, node, session, undefined)
    }
  }

  /** A contact may see the presence of the user from now on, or no longer. */
  async subscriptionChanged({ user, contact, maySeePresence }: SubscriptionChange): Promise<void> {
    const service = await this.#engine.services.of(user)
    if (!maySeePresence) return this.#left(service, contact)
    if (contact.domain !== this.#server.domain.domain) return
    for (const session of this.#server.sessionsOf(contact)) {
      if (!session.isAvailable) continue
      const wanted = [...service.nodes.keys()].filter((it) => this.#engine.notifications.isInterested(session, it))
      await this.#sendAll(service, wanted, session, ON_SUBSCRIPTION)
    }
  }

  /** Subscriptions that rest on the presence subscription end with it (XEP-0163 §7.3). */
  async #left({ jid, nodes }: PubsubService, contact: Jid): Promise<void> {
    if (![...nodes.values()].some((node) => subscriptionsBy(node, contact).length > 0)) return
    await this.#engine.services.change(jid, async (service) => {
      for (const node of service.nodes.values()) await dropSubscriptionsWithoutAccess(this.#engine, service, node, contact)
    })
  }

  /** To one who sees the presence of the account. */
  async #sendAll(service: PubsubService, wanted: readonly string[], session: ClientSession, when: readonly SendLast[]): Promise<void> {
    if (service.nodes.size === 0) return
    for (const id of wanted) {
      const node = service.nodes.get(id)
      if (node && when.includes(node.config.sendLast)) await this.#send(service, node, session, true)
    }
  }

  async #send(service: PubsubService, node: Node, session: ClientSession, seesPresence: boolean | undefined): Promise<void> {
    const { access, notifications } = this.#engine
    if (!node.config.deliverNotifications || !node.config.persistItems) return
    if (await access.refusal(service, node, session.jid, seesPresence)) return
    const item = await this.#lastItem(service, node)
    if (item && !isExpired(item, node.config) && session.isAvailable) await notifications.last(service, node, item, session)
  }

  async #lastItem(service: PubsubService, node: Node): Promise<Item | null> {
    if (node.lastItem !== undefined) return node.lastItem
    const { lastPublishedAt } = node
    const read = (await this.#engine.store.newest(service.id, node.id)) ?? null
    // What was published meanwhile is newer.
    if (node.lastItem === undefined && node.lastPublishedAt === lastPublishedAt) node.lastItem = rememberable(read)
    return node.lastItem ?? read
  }

  #isSeen({ jid, subscription }: RosterItem): boolean {
    return jid.domain === this.#server.domain.domain && jid.local !== '' && jid.isBare && (subscription === 'to' || subscription === 'both')
  }
}

/** Node ids whose notifications a client asks for (XEP-0060 §9.2). */
function interests(features: ReadonlySet<string>): string[] {
  const found: string[] = []
  for (const feature of features) if (feature.endsWith(NOTIFY)) found.push(feature.slice(0, -NOTIFY.length))
  return found
}
