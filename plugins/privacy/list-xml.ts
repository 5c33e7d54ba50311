/** Privacy lists as XML (XEP-0016 §2.1): on the wire, and in the column, where Openfire keeps the same element. */
import { childElements, type Element, element, Jid, NS, namespaceOf, parseElement, StanzaError, type Subscription } from '@beaconfire/plugin-sdk'
import { type Match, type PrivacyItem, PrivacyList, type StanzaPart } from './privacy-list.js'

/** Characters of the column `name`. */
const LONGEST_NAME = 100
/** §6: xs:unsignedInt. */
const LARGEST_ORDER = 4_294_967_295
const PARTS: readonly string[] = ['message', 'iq', 'presence-in', 'presence-out'] satisfies readonly StanzaPart[]
const SUBSCRIPTIONS: readonly string[] = ['none', 'to', 'from', 'both']

export function listElement(list: PrivacyList): Element {
  return element('list', { name: list.name }, ...list.items.map(itemElement))
}

/** As it is stored: an element that stands alone. */
export function storedList(list: PrivacyList): string {
  const stored = listElement(list)
  stored.attrs.xmlns = NS.privacy
  return stored.toString()
}

function itemElement({ order, action, match, parts }: PrivacyItem): Element {
  const attributes = { type: match?.type, value: match && matchValue(match), action, order }
  return element('item', attributes, ...[...(parts ?? [])].map((part) => element(part)))
}

function matchValue(match: Match): string {
  return match.type === 'jid' ? match.jid.toString() : match.type === 'group' ? match.group : match.subscription
}

/**
 * A list as it was stored, by us or by Openfire. An item that cannot be read is left out: the others still hold.
 * @param unreadable told of each that is left out
 * @throws XmlError when it is no XML at all
 */
export function parseStoredList(name: string, xml: string, unreadable: (error: StanzaError) => void): PrivacyList {
  const items = childElements(parseElement(xml, NS.privacy)).flatMap((item) => {
    try {
      return readItem(item)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      unreadable(error)
      return []
    }
  })
  return new PrivacyList(name, items)
}

/** The name of the list that this `<list/>`, `<active/>` or `<default/>` is about. @throws StanzaError bad-request, not-acceptable */
export function readName(el: Element): string {
  const name: unknown = el.attrs.name
  if (typeof name !== 'string' || name === '') throw badRequest('A list needs a name.')
  if (name.length > LONGEST_NAME) throw new StanzaError('not-acceptable', { text: `The name of a list has at most ${LONGEST_NAME} characters.` })
  return name
}

/**
 * What a client wants a list to hold; empty to remove it.
 * @throws StanzaError bad-request for what §2.1 forbids, jid-malformed, resource-constraint beyond `maxItems`
 */
export function readItems(list: Element, maxItems: number): PrivacyItem[] {
  const children = childElements(list)
  if (children.length > maxItems) throw new StanzaError('resource-constraint', { text: `A list has at most ${maxItems} items.` })
  if (children.some((child) => namespaceOf(child) !== NS.privacy)) throw badRequest('A list holds items.')
  const items = children.map(readItem)
  if (new Set(items.map((item) => item.order)).size !== items.length) throw badRequest('Two items have the same order.')
  return items
}

function readItem(item: Element): PrivacyItem {
  if (item.getName() !== 'item') throw badRequest('A list holds items.')
  const { action, order } = item.attrs as Record<string, unknown>
  if (action !== 'allow' && action !== 'deny') throw badRequest('An item allows or denies.')
  if (typeof order !== 'string' || !/^\d{1,10}$/.test(order) || Number(order) > LARGEST_ORDER) {
    throw badRequest('The order of an item is a whole number, and not negative.')
  }
  return { order: Number(order), action, match: readMatch(item), parts: readParts(item) }
}

function readMatch({ attrs }: Element): Match | undefined {
  const { type, value } = attrs as Record<string, unknown>
  if (type === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw badRequest('An item with a type needs a value.')
  if (type === 'jid') return { type: 'jid', jid: readJid(value) }
  if (type === 'group') return { type: 'group', group: value }
  if (type !== 'subscription') throw badRequest('An item is of type jid, group or subscription.')
  if (!isSubscription(value)) throw badRequest('A subscription is none, to, from or both.')
  return { type: 'subscription', subscription: value }
}

function isSubscription(text: string): text is Subscription {
  return SUBSCRIPTIONS.includes(text)
}

/** @throws StanzaError jid-malformed */
export function readJid(text: string): Jid {
  const jid = Jid.tryParse(text)
  if (!jid) throw new StanzaError('jid-malformed', { text: 'This is no address.' })
  return jid
}

function readParts(item: Element): ReadonlySet<StanzaPart> | undefined {
  const names = childElements(item).map((child) => child.getName())
  if (names.length === 0) return undefined
  const parts = new Set(names)
  if (parts.size !== names.length || names.some((name) => !PARTS.includes(name))) {
    throw badRequest('An item names message, iq, presence-in and presence-out, each once at most.')
  }
  return parts as Set<StanzaPart>
}

export function badRequest(text: string): StanzaError {
  return new StanzaError('bad-request', { text })
}
