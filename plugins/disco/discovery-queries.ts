/** The two requests of XEP-0030, for the server and for accounts, and who is answered. */
import {
  type Discovery,
  type DiscoveryItem,
  type DiscoveryItems,
  type DiscoveryQuery,
  type Element,
  element,
  type Identity,
  type IqHandler,
  type IqRequest,
  type Jid,
  NS,
  type RosterService,
  type Sessions,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import { askAll, combinedInfo } from './combined-info.js'
import type { ServerInfo } from './server-info.js'

const ACCOUNT: Identity = { category: 'account', type: 'registered' }
const ANONYMOUS: Identity = { category: 'account', type: 'anonymous' }

export interface QueryCollaborators {
  readonly discovery: Discovery
  readonly domain: Jid
  readonly serverInfo: ServerInfo
  readonly roster: RosterService
  readonly sessions: Pick<Sessions, 'ofUser'>
}

export function discoveryQueries({ discovery, domain, serverInfo, roster, sessions }: QueryCollaborators): IqHandler[] {
  const targets = ['server', 'own-account', 'other-account'] as const
  const read = (request: IqRequest) => toQuery(request, domain, roster)

  async function info(request: IqRequest): Promise<Element> {
    const query = await read(request)
    if (query.node === undefined && query.target === 'server') return serverInfo.answer(query.asker, query.payload)
    if (query.node === undefined) {
      // XEP-0175 §4: everybody is told that an anonymous user is one.
      if (isAnonymous(query.entity, sessions)) return combinedInfo(undefined, [{ identities: [ANONYMOUS], features: [NS.discoInfo, NS.discoItems] }])
      assertEntitled(query)
      return combinedInfo(undefined, [{ identities: [ACCOUNT], features: [NS.discoInfo, NS.discoItems] }, ...(await askAll(discovery, query))])
    }
    const announced = query.target === 'server' ? serverInfo.announced(query.node) : undefined
    if (announced) return announced
    for (const provider of discovery.providers()) {
      const found = await provider.info?.(query)
      if (found) return combinedInfo(query.node, [found])
    }
    throw unknownNode(query)
  }

  async function items(request: IqRequest): Promise<Element> {
    const query = await read(request)
    if (query.node !== undefined) {
      for (const provider of discovery.providers()) {
        const found = await provider.items?.(query)
        if (found) return itemsQuery(query.node, [found])
      }
      throw unknownNode(query)
    }
    const own = query.target === 'server' ? { items: discovery.domains() } : undefined
    if (!own) assertEntitled(query)
    return itemsQuery(undefined, [own, ...(await Promise.all(discovery.providers().map(async (it) => it.items?.(query))))])
  }

  return [
    { namespace: NS.discoInfo, element: 'query', type: 'get', targets, handle: info },
    { namespace: NS.discoItems, element: 'query', type: 'get', targets, handle: items },
  ]
}

async function toQuery({ account, iq, payload, session, target }: IqRequest, domain: Jid, roster: RosterService): Promise<DiscoveryQuery> {
  const asker = iq.from ?? session.jid
  // A request without an address is for the own account (RFC 6120 §10.3.3).
  if (target === 'server' || !account) return { target: 'server', entity: domain, node: nodeOf(payload), asker, isEntitled: true, payload }
  const isEntitled = target === 'own-account' || (await maySeePresence(roster, account, asker))
  return { target: 'account', entity: account, node: nodeOf(payload), asker, isEntitled, payload }
}

function isAnonymous(account: Jid, sessions: Pick<Sessions, 'ofUser'>): boolean {
  return sessions.ofUser(account).some((it) => it.mechanism === 'ANONYMOUS')
}

/** An empty node is none. */
function nodeOf(payload: Element): string | undefined {
  return (payload.attrs.node as string | undefined) || undefined
}

async function maySeePresence(roster: RosterService, account: Jid, asker: Jid): Promise<boolean> {
  const subscription = (await roster.item(account, asker))?.subscription
  return subscription === 'from' || subscription === 'both'
}

/** XEP-0030 §8: an account tells who may see its presence, and nobody else, that it is there. */
function assertEntitled({ isEntitled }: DiscoveryQuery): void {
  if (!isEntitled) throw new StanzaError('service-unavailable')
}

/** A stranger must not tell an account without the node from no account. */
function unknownNode({ isEntitled }: DiscoveryQuery): StanzaError {
  return new StanzaError(isEntitled ? 'item-not-found' : 'service-unavailable')
}

function itemsQuery(node: string | undefined, parts: readonly (DiscoveryItems | undefined)[]): Element {
  const items = parts.flatMap((it): readonly DiscoveryItem[] => it?.items ?? [])
  const set = parts.find((it) => it?.set)?.set
  return element(
    'query',
    { xmlns: NS.discoItems, node },
    ...items.map((it) => element('item', { jid: it.jid.toString(), node: it.node, name: it.name })),
    set,
  )
}
