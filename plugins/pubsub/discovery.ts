/** Service discovery of the service and of accounts (XEP-0060 §5, XEP-0163 §6). */
import {
  type DiscoveryInfo,
  type DiscoveryItems,
  type DiscoveryProvider,
  type DiscoveryQuery,
  type Element,
  element,
  findChild,
  type Identity,
  infoQuery,
  type Jid,
  NS,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import type { Engine } from './engine.js'
import { formField } from './forms.js'
import type { Node } from './node.js'
import { configResult } from './node-config-form.js'
import { pageOf, pageRequest, resultSet } from './paging.js'
import type { PubsubService } from './services.js'

const PEP: Identity = { category: 'pubsub', type: 'pep' }
const SERVICE: Identity = { category: 'pubsub', type: 'service', name: 'Publish-Subscribe' }
const LEAF: Identity = { category: 'pubsub', type: 'leaf' }

const COMMON_FEATURES = [
  'config-node',
  'config-node-max',
  'create-and-configure',
  'create-nodes',
  'delete-items',
  'delete-nodes',
  'instant-nodes',
  'item-ids',
  'manage-subscriptions',
  'member-affiliation',
  'meta-data',
  'modify-affiliations',
  'multi-items',
  'outcast-affiliation',
  'persistent-items',
  'publish',
  'publish-node-full',
  'publish-only-affiliation',
  'publish-options',
  'publisher-affiliation',
  'purge-nodes',
  'retract-items',
  'retrieve-affiliations',
  'retrieve-default',
  'retrieve-items',
  'retrieve-subscriptions',
  'rsm',
  'subscribe',
  'subscription-notifications',
]
const PEP_FEATURES = ['access-presence', 'auto-create', 'auto-subscribe', 'filtered-notifications', 'last-published', 'presence-subscribe']

function features(more: readonly string[]): string[] {
  return [NS.pubsub, ...[...COMMON_FEATURES, ...more].map((it) => `${NS.pubsub}#${it}`)]
}

/** What accounts add to what they say of themselves. */
export function accountDiscovery(engine: Engine): DiscoveryProvider {
  return {
    async info({ asker, entity, node: id, target }): Promise<DiscoveryInfo | undefined> {
      if (target !== 'account') return undefined
      if (id === undefined) return { identities: [PEP], features: features(PEP_FEATURES) }
      const service = await engine.services.of(entity)
      const node = service.nodes.get(id)
      return node && !(await engine.access.refusal(service, node, asker)) ? nodeInfo(service, node) : undefined
    },
    async items(query: DiscoveryQuery): Promise<DiscoveryItems | undefined> {
      if (query.target !== 'account') return undefined
      return itemsOf(engine, await engine.services.of(query.entity), query)
    },
  }
}

/** The whole answer for the service itself. @throws StanzaError item-not-found */
export async function serviceDiscovery(engine: Engine, address: Jid, payload: Element, asker: Jid): Promise<Element> {
  const node = (payload.attrs.node as string | undefined) || undefined
  const service = await engine.services.of(address)
  if (payload.getNS() === NS.discoItems) {
    const found = await itemsOf(engine, service, { asker, node, payload })
    if (!found) throw new StanzaError('item-not-found')
    const items = found.items.map((it) => element('item', { jid: it.jid.toString(), node: it.node, name: it.name }))
    return element('query', { xmlns: NS.discoItems, node }, ...items, found.set)
  }
  if (node === undefined) {
    const own = features(engine.config.autoCreate ? ['access-open', 'auto-create'] : ['access-open'])
    return infoQuery(undefined, { identities: [SERVICE], features: [NS.discoInfo, NS.discoItems, ...own] })
  }
  const found = service.nodes.get(node)
  if (!found || (await engine.access.refusal(service, found, asker))) throw new StanzaError('item-not-found')
  return infoQuery(node, nodeInfo(service, found))
}

/** Nodes that the asker may read, or the items of one (§5.2, §5.5). @returns undefined for a node that is not there for it */
async function itemsOf(
  engine: Engine,
  service: PubsubService,
  { asker, node: id, payload }: Pick<DiscoveryQuery, 'asker' | 'node' | 'payload'>,
): Promise<DiscoveryItems | undefined> {
  const page = pageRequest(findChild(payload, 'set', NS.resultSet))
  const most = engine.config.pageItems
  if (id === undefined) {
    const nodes: Node[] = []
    for (const node of service.nodes.values()) if (!(await engine.access.refusal(service, node, asker))) nodes.push(node)
    const ids = nodes.map((it) => it.id)
    const { start, end } = pageOf(ids, page ?? {}, most)
    const items = nodes.slice(start, end).map((it) => ({ jid: service.jid, node: it.id, ...(it.config.title && { name: it.config.title }) }))
    return page || end < ids.length ? { items, set: resultSet(ids.slice(start, end), start, ids.length) } : { items }
  }
  const node = service.nodes.get(id)
  if (!node || (await engine.access.refusal(service, node, asker))) return undefined
  const ids = (await engine.store.itemIds(service.id, id)).map((it) => it.id)
  const { start, end } = pageOf(ids, page ?? {}, most)
  const items = ids.slice(start, end).map((name) => ({ jid: service.jid, name }))
  return page || end < ids.length ? { items, set: resultSet(ids.slice(start, end), start, ids.length) } : { items }
}

/** §5.4 */
function nodeInfo(service: PubsubService, node: Node): { identities: Identity[]; features: string[]; forms: Element[] } {
  const withRole = (role: string) => [...node.affiliations].flatMap(([jid, affiliation]) => (affiliation === role ? [jid] : []))
  const owners = service.kind === 'account' ? [service.jid.toString()] : withRole('owner')
  const more = [
    formField('pubsub#creator', 'jid-single', [node.creator]),
    formField('pubsub#creation_date', 'text-single', [new Date(node.createdAt).toISOString()]),
    formField('pubsub#owner', 'jid-multi', owners),
    formField('pubsub#publisher', 'jid-multi', withRole('publisher')),
    formField('pubsub#num_subscribers', 'text-single', [String(subscriberCount(node))]),
  ]
  return { identities: [LEAF], features: [NS.pubsub], forms: [configResult(node.config, NS.pubsubMetaData, more)] }
}

function subscriberCount(node: Node): number {
  let count = 0
  for (const { state } of node.subscriptions.values()) if (state === 'subscribed') count++
  return count
}
