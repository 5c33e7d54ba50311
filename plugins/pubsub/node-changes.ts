/** Making, changing and removing nodes (XEP-0060 §8.1, §8.2, §8.4, §8.5). */
import { element, type Jid, NS, StanzaError } from '@beaconfire/plugin-sdk'
import { defaultsOf, type Engine, itemLimit, LONGEST_ID, LONGEST_JID, limitsOf } from './engine.js'
import type { SubmittedForm } from './forms.js'
import type { Node } from './node.js'
import type { NodeConfig } from './node-config.js'
import { configResult, submittedConfig } from './node-config-form.js'
import { newId } from './notifications.js'
import { pubsubError } from './pubsub-errors.js'
import type { PubsubService } from './services.js'
import { dropSubscriptionsWithoutAccess } from './subscription-changes.js'

/**
 * A node that could be made, not stored yet.
 * @param form what differs from the defaults
 * @throws StanzaError conflict when it exists, forbidden, policy-violation for too many, not-acceptable
 */
export function draftNode(engine: Engine, service: PubsubService, id: string, creator: Jid, form: SubmittedForm | undefined): Node {
  const { config } = engine
  if (service.nodes.has(id)) throw new StanzaError('conflict')
  if (!mayCreate(engine, service, creator)) throw new StanzaError('forbidden')
  if (id.length > LONGEST_ID || service.id.length > LONGEST_ID || creator.bare().toString().length > LONGEST_JID) {
    throw new StanzaError('not-acceptable', { text: `A node id has at most ${LONGEST_ID} characters.` })
  }
  const most = service.kind === 'account' ? config.maxNodesPerAccount : config.maxNodes
  if (service.nodes.size >= most) throw pubsubError('policy-violation', 'max-nodes-exceeded', { type: 'wait' })
  const defaults = defaultsOf(service.kind, config)
  const owner = creator.bare().toString()
  return {
    id,
    creator: owner,
    createdAt: Date.now(),
    config: form ? submittedConfig(defaults, form, limitsOf(service.kind, config)) : defaults,
    affiliations: new Map([[owner, 'owner']]),
    subscriptions: new Map(),
    lastItem: null,
    lastPublishedAt: 0,
    itemCount: 0,
  }
}

/** Stores a {@link draftNode}. Call it inside a change of the service. @throws StanzaError conflict where the database takes the id for another's */
export async function addNode({ store }: Engine, service: PubsubService, node: Node): Promise<void> {
  if (!(await store.create(service.id, service.kind === 'account' ? service.id : '', node))) throw new StanzaError('conflict')
  service.nodes.set(node.id, node)
}

/** An id that no node has. */
export function instantNodeId(): string {
  return newId()
}

/** At an account its owner, at the service everybody who has an account here. */
export function mayCreate(engine: Engine, service: PubsubService, who: Jid): boolean {
  return service.kind === 'account' ? who.bare().equals(service.jid) : engine.isLocalAccount(who)
}

/** Lays a submitted form over the configuration. @throws StanzaError not-acceptable, forbidden */
export async function configureNode(engine: Engine, service: PubsubService, node: Node, form: SubmittedForm): Promise<void> {
  const { config, notifications, store } = engine
  const wanted = submittedConfig(node.config, form, limitsOf(service.kind, config))
  if (isSameConfig(wanted, node.config)) return
  await store.configure(service.id, node.id, wanted)
  const before = node.config
  node.config = wanted
  await trimItems(engine, service, node, before)
  if (wanted.notifyConfig) {
    const content = wanted.deliverPayloads ? configResult(wanted, NS.pubsubNodeConfig) : undefined
    await notifications.tell(service, node, element('configuration', { node: node.id }, content).toString())
  }
  if (before.accessModel !== wanted.accessModel || before.rosterGroups !== wanted.rosterGroups) {
    await dropSubscriptionsWithoutAccess(engine, service, node)
  }
}

/** @param redirect where it has gone, a URI (§8.4.1) */
export async function deleteNode(engine: Engine, service: PubsubService, node: Node, redirect: string | undefined): Promise<void> {
  await engine.store.deleteNode(service.id, node.id)
  service.nodes.delete(node.id)
  if (!node.config.notifyDelete) return
  const content = redirect === undefined ? undefined : element('redirect', { uri: redirect })
  await engine.notifications.tell(service, node, element('delete', { node: node.id }, content).toString())
}

/** Removes all items; subscribers get one notification for all of them (§8.5.2). */
export async function purgeNode(engine: Engine, service: PubsubService, node: Node): Promise<void> {
  await engine.store.purge(service.id, node.id)
  node.lastItem = null
  node.itemCount = 0
  if (node.config.notifyRetract) await engine.notifications.tell(service, node, element('purge', { node: node.id }).toString())
}

/** A node that keeps fewer items than before, or none, lets go of the oldest. */
async function trimItems(engine: Engine, service: PubsubService, node: Node, before: NodeConfig): Promise<void> {
  const { store } = engine
  const { maxItems, persistItems } = node.config
  if (!persistItems) {
    if (before.persistItems) await store.purge(service.id, node.id)
    node.lastItem = null
    node.itemCount = 0
    return
  }
  const kept = itemLimit(node.config, engine.config)
  const ids = maxItems === before.maxItems ? [] : await store.itemIds(service.id, node.id)
  const surplus = ids.slice(0, Math.max(0, ids.length - kept)).map((it) => it.id)
  if (surplus.length === 0) return
  await store.retract(service.id, node.id, surplus)
  node.itemCount = undefined
}

function isSameConfig(a: NodeConfig, b: NodeConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
