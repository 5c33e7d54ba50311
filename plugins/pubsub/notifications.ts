/** Who is told of an event: subscribers, and at accounts all who see the owner's presence and are interested (XEP-0163 §4.3). */
import { randomBytes } from 'node:crypto'
import {
  type CapabilitiesService,
  type ClientSession,
  type Element,
  element,
  isPromise,
  type Jid,
  type MaybePromise,
  type Message,
  NS,
  type RosterService,
  type Sessions,
  type Stanza,
} from '@beaconfire/plugin-sdk'
import { type Access, maySeePresence } from './access.js'
import { eventMessage, itemsEvent } from './event-message.js'
import type { Item, Node, Subscription } from './node.js'
import type { PubsubService } from './services.js'

export interface NotificationCollaborators {
  readonly access: Access
  readonly capabilities: CapabilitiesService
  readonly roster: RosterService
  readonly sessions: Sessions
  readonly domain: Jid
  /** Routes past the incoming chain. */
  route(stanza: Stanza): MaybePromise<void>
}

export class Notifications {
  readonly #server: NotificationCollaborators

  constructor(server: NotificationCollaborators) {
    this.#server = server
  }

  /** New items, published by `publisher`, a full JID. Resolves when all were handed over. */
  async published(service: PubsubService, node: Node, items: readonly Item[], publisher: Jid): Promise<void> {
    await this.tell(service, node, itemsEvent(node, items), replyTo(publisher))
  }

  /** @param event what is in `<event/>` @param forContacts what those get besides who see the account's presence */
  async tell(service: PubsubService, node: Node, event: string, forContacts?: Element): Promise<void> {
    if (!node.config.deliverNotifications) return
    const details = { from: service.jid, type: node.config.notificationType, id: newId(), event }
    const plain = eventMessage(details)
    const deliveries: MaybePromise<unknown>[] = []
    const reached = new Set<ClientSession>()
    if (service.kind === 'account') {
      const forInterested = forContacts ? eventMessage({ ...details, more: [forContacts] }) : plain
      for (const session of await this.#interested(service, node)) {
        reached.add(session)
        deliveries.push(session.deliver(addressed(forInterested, session.jid)))
      }
    }
    for (const subscription of node.subscriptions.values()) {
      if (subscription.state === 'subscribed') deliveries.push(this.#toSubscriber(service, node, subscription, plain, reached))
    }
    await Promise.all(deliveries.filter(isPromise))
  }

  /** The last item, to one client that has come or become interested. */
  last(service: PubsubService, node: Node, item: Item, session: ClientSession): MaybePromise<unknown> {
    return session.deliver(addressed(this.#delayed(service, node, item), session.jid))
  }

  /** The last item, to a new subscriber (§6.1.7). */
  lastTo(service: PubsubService, node: Node, item: Item, subscriber: Jid): MaybePromise<void> {
    return this.#server.route(addressed(this.#delayed(service, node, item), subscriber))
  }

  /** §12.10: the state of a subscription has changed by the doing of somebody else. */
  subscriptionChanged(service: PubsubService, node: Node, jid: Jid, state: 'none' | 'pending' | 'subscribed'): MaybePromise<void> {
    const event = element('subscription', { node: node.id, jid: jid.toString(), subscription: state }).toString()
    return this.#server.route(addressed(eventMessage({ from: service.jid, type: 'headline', id: newId(), event }), jid))
  }

  route(stanza: Stanza): MaybePromise<void> {
    return this.#server.route(stanza)
  }

  isInterested(session: ClientSession, nodeId: string): boolean {
    return this.#server.capabilities.of(session).has(`${nodeId}+notify`)
  }

  /** The owner's clients, and those of contacts that may see this node, as far as they want its notifications. */
  async #interested(service: PubsubService, node: Node): Promise<ClientSession[]> {
    const { sessions, roster, access } = this.#server
    const found = this.#interestedOf(service.jid, node)
    for (const item of (await roster.items(service.jid)).values()) {
      if (!maySeePresence(item) || item.jid.domain !== this.#server.domain.domain || sessions.ofUser(item.jid).length === 0) continue
      const interested = this.#interestedOf(item.jid, node)
      if (interested.length > 0 && !(await access.refusal(service, node, item.jid, true))) found.push(...interested)
    }
    return found
  }

  #interestedOf(user: Jid, node: Node): ClientSession[] {
    return this.#server.sessions.ofUser(user).filter((it) => it.isAvailable && this.isInterested(it, node.id))
  }

  async #toSubscriber(service: PubsubService, node: Node, { jid }: Subscription, event: Message, reached: Set<ClientSession>): Promise<void> {
    const local = jid.domain === this.#server.domain.domain && jid.local !== ''
    const here = local ? this.#server.sessions.ofUser(jid) : []
    // §4.3.2: who gets it as a contact does not get it again as a subscriber.
    if (here.some((it) => reached.has(it) && (jid.isBare || it.jid.equals(jid)))) return
    if (local && node.config.presenceBasedDelivery && !here.some((it) => it.isAvailable && (jid.isBare || it.jid.equals(jid)))) return
    if (await this.#server.access.refusal(service, node, jid)) return
    await this.#server.route(addressed(event, jid))
  }

  #delayed(service: PubsubService, node: Node, item: Item): Message {
    const delay = element('delay', { xmlns: NS.delay, from: service.jid.toString(), stamp: new Date(item.publishedAt).toISOString() })
    return eventMessage({ from: service.jid, type: node.config.notificationType, id: newId(), event: itemsEvent(node, [item]), more: [delay] })
  }
}

export function newId(): string {
  return randomBytes(10).toString('hex')
}

/** XEP-0163 §4.3.1: tells contacts which resource published (XEP-0033). */
function replyTo(publisher: Jid): Element {
  return element('addresses', { xmlns: NS.addresses }, element('address', { type: 'replyto', jid: publisher.toString() }))
}

function addressed(message: Message, to: Jid): Message {
  const copy = message.clone()
  copy.to = to
  return copy
}
