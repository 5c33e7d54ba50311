/** Retrieving items (XEP-0060 §6.5): all, the newest, some by id, or by page (XEP-0059). */
import { childElements, type Element, element, findChild, NS, parseElement, StanzaError } from '@beaconfire/plugin-sdk'
import type { Engine } from './engine.js'
import { bareOf } from './item-changes.js'
import { type Item, isExpired, type Node } from './node.js'
import { type PageRequest, pageOf, pageRequest, resultSet } from './paging.js'
import { pubsubError, unsupported } from './pubsub-errors.js'
import { assertAlone, nodeIdOf, nodeOf, type PubsubRequest, type RequestHandler } from './request.js'

/** UTF-16 units of payload in one answer; what is left is asked for by page. */
const LONGEST_ANSWER = 4_194_304
const DIGITS = /^\d{1,9}$/

export function itemsRequest(engine: Engine): RequestHandler {
  const { access, services, store } = engine

  /** The answer's items, the oldest first, and whether they are a page of more. */
  async function selected(serviceId: string, node: Node, request: PubsubRequest): Promise<{ items: Item[]; set?: Element | undefined }> {
    const wanted = idsOf(request.action)
    if (wanted.length > engine.config.pageItems) throw new StanzaError('not-acceptable', { text: 'Too many items at once.' })
    if (wanted.length > 0) {
      const found = await store.items(serviceId, node.id, wanted)
      return { items: wanted.flatMap((id) => found.get(id) ?? []) }
    }
    const most = maxItemsOf(request.action)
    const page = pageRequest(findChild(request.payload, 'set', NS.resultSet))
    if (!page && (most === 1 || node.itemCount === 1)) {
      const newest = node.lastItem === undefined ? await store.newest(serviceId, node.id) : node.lastItem
      return { items: newest ? [newest] : [] }
    }
    const all = (await store.itemIds(serviceId, node.id)).map((it) => it.id)
    return paged(serviceId, node, most === undefined ? all : all.slice(-most), page)
  }

  async function paged(serviceId: string, node: Node, ids: readonly string[], page: PageRequest | undefined) {
    const { pageItems } = engine.config
    // Without a page asked for, what is too much is left out at the end, and said to be (§6.5.4).
    const range = pageOf(ids, page ?? {}, pageItems)
    const found = await store.items(serviceId, node.id, ids.slice(range.start, range.end))
    const items: Item[] = []
    let length = 0
    for (const id of ids.slice(range.start, range.end)) {
      const item = found.get(id)
      if (!item) continue
      length += item.payload.length
      if (length > LONGEST_ANSWER && items.length > 0) break
      items.push(item)
    }
    const isWhole = !page && items.length === ids.length
    return {
      items,
      set: isWhole
        ? undefined
        : resultSet(
            items.map((it) => it.id),
            range.start,
            ids.length,
          ),
    }
  }

  return async (request) => {
    assertAlone(request)
    nodeIdOf(request)
    const service = await services.of(request.service)
    const node = nodeOf(request, service)
    const refusal = await access.refusal(service, node, request.actor)
    if (refusal) throw refusal
    assertSubid(node, request)
    if (!node.config.persistItems) throw unsupported('persistent-items')
    const { items, set } = await selected(service.id, node, request)
    const now = Date.now()
    const answers = items.filter((it) => !isExpired(it, node.config, now)).map((it) => itemElement(node, it))
    return element('pubsub', { xmlns: NS.pubsub }, element('items', { node: node.id }, ...answers), set)
  }
}

function itemElement(node: Node, { id, payload, publisher }: Item): Element {
  const attributes = { id, publisher: node.config.itemReply === 'publisher' ? bareOf(publisher) : undefined }
  return element('item', attributes, payload === '' ? undefined : parseElement(payload))
}

/** @throws StanzaError bad-request */
function idsOf(items: Element): string[] {
  const children = childElements(items)
  const ids = children.map((it) => String(it.attrs.id ?? ''))
  if (ids.includes('') || children.some((it) => it.getName() !== 'item')) throw new StanzaError('bad-request')
  return [...new Set(ids)]
}

/** @throws StanzaError bad-request */
function maxItemsOf(items: Element): number | undefined {
  const text = items.attrs.max_items as string | undefined
  if (text === undefined) return undefined
  if (!DIGITS.test(text) || Number(text) === 0) throw new StanzaError('bad-request')
  return Number(text)
}

/** @throws StanzaError not-acceptable with invalid-subid (§6.5.9.2) */
function assertSubid(node: Node, { action, actor }: PubsubRequest): void {
  const { subid } = action.attrs as Record<string, string | undefined>
  if (subid === undefined) return
  const own = [node.subscriptions.get(actor.bare().toString()), node.subscriptions.get(actor.toString())]
  if (!own.some((it) => it?.id === subid)) throw pubsubError('not-acceptable', 'invalid-subid')
}
