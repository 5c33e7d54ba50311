/** What a client whose user is not looking need not get at once (XEP-0352 §3.2). */
import { childElements, type Element, findChild, type Message, NS, namespaceOf, type Presence, type Stanza, stanzaFrom } from '@beaconfire/plugin-sdk'
import type { CsiConfig } from './config.js'

export type Waiting = Pick<CsiConfig, 'presence' | 'chatStates' | 'pubsub'>

/** What may go along with a chat state. */
const BESIDE_CHAT_STATES: ReadonlySet<string> = new Set([NS.client, NS.chatStates, NS.hints, NS.stanzaIds, NS.delay, NS.occupantId])

/**
 * @returns undefined for what must not wait; else a key: a later stanza of the same key makes an earlier one needless.
 * The stanza is not changed.
 */
export function waitingKey(stanza: Stanza, waiting: Waiting): string | undefined {
  switch (stanza.kind) {
    case 'presence':
      return waiting.presence ? presenceKey(stanza) : undefined
    case 'message':
      return messageKey(stanza, waiting)
    case 'iq':
      return undefined
  }
}

function presenceKey(presence: Presence): string | undefined {
  const { type } = presence
  if (type !== 'available' && type !== 'unavailable') return undefined
  if (presence.childNamespaces().includes(NS.mucUser) && isAboutItself(presence)) return undefined
  return `presence ${presence.attribute('from')}`
}

/** In a room: that the client is in it now, or no longer (XEP-0045 §7.1.1). */
function isAboutItself(presence: Presence): boolean {
  const x = presence.clone().child('x', NS.mucUser)
  return x !== undefined && childElements(x).some((it) => it.getName() === 'destroy' || (it.getName() === 'status' && it.attrs.code === '110'))
}

function messageKey(message: Message, waiting: Waiting): string | undefined {
  if (message.type === 'error') return undefined
  const namespaces = message.childNamespaces()
  if (namespaces.includes(NS.chatStates)) return waiting.chatStates ? chatStateKey(message, namespaces) : undefined
  if (namespaces.includes(NS.pubsubEvent)) return waiting.pubsub ? eventKey(message) : undefined
  if (namespaces.includes(NS.carbons)) return waiting.chatStates ? carbonKey(message) : undefined
  return undefined
}

function chatStateKey(message: Message, namespaces: readonly string[]): string | undefined {
  if (!namespaces.every((it) => BESIDE_CHAT_STATES.has(it)) || message.hasChild('body') || message.hasChild('subject')) return undefined
  return `state ${message.type} ${message.attribute('from')} ${message.attribute('to')}`
}

/** A copy of a chat state (XEP-0280). */
function carbonKey(carbon: Message): string | undefined {
  const [copy] = carbon.clone().childElements()
  const forwarded = copy && namespaceOf(copy) === NS.carbons ? findChild(copy, 'forwarded', NS.forward) : undefined
  const original = forwarded && findChild(forwarded, 'message', NS.client)
  const stanza = original && stanzaFrom(original)
  if (stanza?.kind !== 'message') return undefined
  const namespaces = stanza.childNamespaces()
  const key = namespaces.includes(NS.chatStates) ? chatStateKey(stanza, namespaces) : undefined
  return key && `carbon ${key}`
}

/** Items that were published or retracted: by item, for a node may have many. What changes the whole node does not wait. */
function eventKey(message: Message): string | undefined {
  if (message.hasChild('body')) return undefined
  const event = message.clone().child('event', NS.pubsubEvent)
  const [items, ...others] = event ? childElements(event) : []
  if (items?.getName() !== 'items' || others.length > 0) return undefined
  return `event ${message.attribute('from')} ${items.attrs.node} ${childElements(items).map(idOf).join(' ')}`
}

function idOf(item: Element): string {
  return JSON.stringify(item.attrs.id)
}
