/** Notifications (XEP-0060 §7.1.2, §12.6): built as text once, copied for each recipient. */
import { type ChildOutline, type Element, element, type Jid, Message, NS, type StanzaAttributes } from '@beaconfire/plugin-sdk'
import type { Item, Node } from './node.js'
import type { NotificationType } from './node-config.js'

export interface EventDetails {
  readonly from: Jid
  readonly type: NotificationType
  readonly id: string
  /** What is in `<event/>`, as XML. */
  readonly event: string
  /** Further children, each without children of its own or with text. */
  readonly more?: readonly Element[]
}

/** @returns a message without an addressee, to be cloned for each */
export function eventMessage({ from, type, id, event, more = [] }: EventDetails): Message {
  const attributes: StanzaAttributes = { from: from.toString(), id }
  if (type !== 'normal') attributes.type = type
  const open = `<event xmlns="${NS.pubsubEvent}">`
  let inner = `${open}${event}</event>`
  const outline: ChildOutline[] = [{ name: 'event', namespace: NS.pubsubEvent, start: open.length, end: open.length + event.length, isText: false }]
  for (const child of more) {
    const text = child.toString()
    const start = inner.length + text.indexOf('>') + 1
    const end = child.children.length === 0 ? start : inner.length + text.lastIndexOf('</')
    outline.push({ name: child.getName(), namespace: child.getNS(), start, end, isText: child.children.length === 0 })
    inner += text
  }
  return new Message(attributes, inner, outline)
}

/** `<items/>` with these items, payloads left out where the node does not deliver them. */
export function itemsEvent(node: Node, items: readonly Item[]): string {
  return wrap(element('items', { node: node.id }), items.map((it) => itemXml(node, it, node.config.deliverPayloads)).join(''))
}

export function retractEvent(node: Node, ids: readonly string[]): string {
  return wrap(element('items', { node: node.id }), ids.map((id) => element('retract', { id }).toString()).join(''))
}

/** `<item/>` as it stands in events and answers. */
export function itemXml({ config }: Pick<Node, 'config'>, { id, payload, publisher }: Item, withPayload = true): string {
  const bare = config.itemReply === 'publisher' ? publisher.replace(/\/.*$/s, '') : undefined
  return wrap(element('item', { id: id || undefined, publisher: bare }), withPayload ? payload : '')
}

/** Puts XML into an element that has no children. */
function wrap(el: Element, inner: string): string {
  const empty = el.toString()
  return inner === '' ? empty : `${empty.slice(0, -2)}>${inner}</${el.getName()}>`
}
