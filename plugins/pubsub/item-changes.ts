/** Publishing and taking back (XEP-0060 §7), as changes of a service. */
import { type Jid, StanzaError } from '@beaconfire/plugin-sdk'
import { type Engine, itemLimit, LONGEST_ID, LONGEST_JID } from './engine.js'
import { retractEvent } from './event-message.js'
import { type Item, type Node, rememberable } from './node.js'
import { newId } from './notifications.js'
import { pubsubError, unsupported } from './pubsub-errors.js'
import type { PubsubService } from './services.js'
import { dropSubscriptionsWithoutAccess } from './subscription-changes.js'

export interface DraftItem {
  /** Chosen by the server when the publisher names none. */
  readonly id: string | undefined
  /** XML; '' for none. */
  readonly payload: string
  readonly namespace: string | undefined
}

/** Expired items removed by one publication at most. */
const EXPIRED_AT_ONCE = 100

/**
 * Checks, stores, trims and notifies. Call it inside a change of the service, after permission was checked.
 * @param publisher full JID
 * @returns the items, in order
 * @throws StanzaError of §7.1.3
 */
export async function publish(
  engine: Engine,
  service: PubsubService,
  node: Node,
  drafts: readonly DraftItem[],
  publisher: Jid,
): Promise<readonly Item[]> {
  assertFits(node, drafts, itemLimit(node.config, engine.config))
  const full = publisher.toString()
  const stored = full.length <= LONGEST_JID ? full : publisher.bare().toString()
  const items = drafts.map(({ id, payload }): Item => {
    node.lastPublishedAt = Math.max(Date.now(), node.lastPublishedAt + 1)
    return { id: id ?? newId(), publisher: stored, publishedAt: node.lastPublishedAt, payload }
  })
  if (node.config.persistItems) await keep(engine, service, node, items)
  // Nobody tells when a contact moves to another group of the roster: who has lost access that way is found here (XEP-0163 §7.3).
  if (node.subscriptions.size > 0 && node.config.accessModel === 'roster') await dropSubscriptionsWithoutAccess(engine, service, node)
  await engine.notifications.published(service, node, items, publisher)
  return items
}

/**
 * Removes items. @param notify what the request says; the node's configuration decides where it says nothing
 * @throws StanzaError of §7.2.3
 */
export async function retract(
  engine: Engine,
  service: PubsubService,
  node: Node,
  ids: readonly string[],
  who: Jid,
  notify: boolean | undefined,
): Promise<void> {
  const { access, notifications, store } = engine
  const isOwner = access.affiliation(service, node, who) === 'owner'
  if (!isOwner && !access.mayPublish(service, node, who)) throw new StanzaError('forbidden')
  if (!node.config.persistItems) throw unsupported('persistent-items')
  const found = await store.items(service.id, node.id, ids)
  if (ids.some((id) => !found.has(id))) throw new StanzaError('item-not-found')
  // §4.1: who is no owner takes back what it published itself.
  if (!isOwner && [...found.values()].some((it) => bareOf(it.publisher) !== who.bare().toString())) throw new StanzaError('forbidden')
  await store.retract(service.id, node.id, ids)
  if (node.itemCount !== undefined) node.itemCount -= found.size
  if (node.lastItem && found.has(node.lastItem.id)) node.lastItem = undefined
  if (notify ?? node.config.notifyRetract) await notifications.tell(service, node, retractEvent(node, ids))
}

/** §7.1.3.6: the event type of the node says what an item must and must not be. @throws StanzaError */
export function assertFits(node: Node, drafts: readonly DraftItem[], limit: number): void {
  const { config } = node
  if (!config.persistItems && !config.deliverPayloads) {
    if (drafts.length > 0) throw pubsubError('bad-request', 'item-forbidden')
    return
  }
  if (drafts.length === 0) throw pubsubError('bad-request', 'item-required')
  if (config.persistItems && drafts.length > Math.max(1, limit)) throw pubsubError('not-allowed', 'max-items-exceeded')
  for (const { id, payload, namespace } of drafts) {
    if (payload === '' && config.deliverPayloads) throw pubsubError('bad-request', 'payload-required')
    if (payload !== '' && config.type && namespace !== config.type) throw pubsubError('bad-request', 'invalid-payload')
    if (Buffer.byteLength(payload) > config.maxPayloadSize) throw pubsubError('not-acceptable', 'payload-too-big')
    if (id !== undefined && id.length > LONGEST_ID) {
      throw new StanzaError('not-acceptable', { text: `An item id has at most ${LONGEST_ID} characters.` })
    }
  }
}

async function keep(engine: Engine, service: PubsubService, node: Node, items: readonly Item[]): Promise<void> {
  const { store, config } = engine
  const limit = itemLimit(node.config, config)
  const newest = items.at(-1) ?? null
  node.itemCount ??= await store.countItems(service.id, node.id)
  const ids = new Set(items.map((it) => it.id))
  const replaced = await store.existing(service.id, node.id, [...ids])
  const surplus = node.itemCount + ids.size - replaced.size - limit
  if (surplus > 0 && node.config.whenFull === 'reject') throw pubsubError('conflict', 'node-full')
  const removed = await oldest(engine, service, node, Math.max(0, surplus), ids)
  await store.publish(service.id, node.id, items, removed)
  node.itemCount += ids.size - replaced.size - removed.filter((it) => !ids.has(it)).length
  node.lastItem = limit === 0 ? null : rememberable(newest)
}

/** Ids of what has to go: the oldest that are too many, and what has expired. */
async function oldest(engine: Engine, service: PubsubService, node: Node, surplus: number, kept: ReadonlySet<string>): Promise<string[]> {
  const { itemExpire } = node.config
  if (surplus === 0 && itemExpire === 'max') return []
  const deadline = itemExpire === 'max' ? 0 : Date.now() - itemExpire * 1000
  const candidates = await engine.store.itemIds(service.id, node.id, surplus + kept.size + (itemExpire === 'max' ? 0 : EXPIRED_AT_ONCE))
  const others = candidates.filter((it) => !kept.has(it.id))
  return others.filter((it, i) => i < surplus || it.publishedAt <= deadline).map((it) => it.id)
}

export function bareOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash < 0 ? jid : jid.slice(0, slash)
}
