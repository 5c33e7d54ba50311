/** Stanzas: message, presence and iq as values, and the making of them. */
import { BaseStanza, type StanzaAttributes } from './base-stanza.js'
import { type Element, element, namespaceOf, parseElement } from './element.js'
import type { Jid } from './jid.js'
import { NS } from './namespaces.js'
import type { StanzaError } from './stanza-error.js'

export type { ChildOutline, StanzaAttributes, StanzaKind } from './base-stanza.js'
export type MessageType = 'normal' | 'chat' | 'groupchat' | 'headline' | 'error'
export type PresenceType = 'available' | 'unavailable' | 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'probe' | 'error'
export type IqType = 'get' | 'set' | 'result' | 'error'

export class Message extends BaseStanza {
  readonly kind = 'message'

  /** RFC 6121 §5.2.2: absent or unknown means `normal`. */
  get type(): MessageType {
    const type = this.attribute('type')
    return type === 'chat' || type === 'groupchat' || type === 'headline' || type === 'error' ? type : 'normal'
  }
  set type(type: MessageType) {
    this.setAttribute('type', type === 'normal' ? undefined : type)
  }
  /** Text of the first `<body/>`. */
  get body(): string | undefined {
    return this.childText('body')
  }
  set body(text: string | undefined) {
    this.setChildText('body', text)
  }
  get subject(): string | undefined {
    return this.childText('subject')
  }
  set subject(text: string | undefined) {
    this.setChildText('subject', text)
  }
  get thread(): string | undefined {
    return this.childText('thread')
  }
  clone(): Message {
    return new Message(...this.copyParts())
  }
}

export class Presence extends BaseStanza {
  readonly kind = 'presence'

  /** No `type` attribute means `available`. An unknown one is refused before it gets here. */
  get type(): PresenceType {
    return (this.attribute('type') as PresenceType | undefined) ?? 'available'
  }
  set type(type: PresenceType) {
    this.setAttribute('type', type === 'available' ? undefined : type)
  }
  get show(): string | undefined {
    return this.childText('show')
  }
  get status(): string | undefined {
    return this.childText('status')
  }
  /** RFC 6121 §4.7.2.3: -128 to +127, 0 when absent or not a number in range. */
  get priority(): number {
    const text = this.childText('priority')?.trim()
    if (!text || !/^[+-]?\d{1,3}$/.test(text)) return 0
    const priority = Number(text)
    return priority >= -128 && priority <= 127 ? priority : 0
  }
  clone(): Presence {
    return new Presence(...this.copyParts())
  }
}

export class Iq extends BaseStanza {
  readonly kind = 'iq'

  get type(): IqType {
    return this.attribute('type') as IqType
  }
  set type(type: IqType) {
    this.setAttribute('type', type)
  }
  /** True for `get` and `set`, which must be answered exactly once (RFC 6120 §8.2.3). */
  get isRequest(): boolean {
    return this.type === 'get' || this.type === 'set'
  }
  /** The payload: the first child element that is no `<error/>`. */
  get payload(): Element | undefined {
    return this.childElements().find((child) => child.getName() !== 'error' || namespaceOf(child) !== NS.client)
  }
  /** The answer to this request, addressed back. */
  result(payload?: Element): Iq {
    const reply = iq({ type: 'result', id: this.id }, payload)
    reply.to = this.from
    reply.from = this.to
    return reply
  }
  clone(): Iq {
    return new Iq(...this.copyParts())
  }
}

export type Stanza = Message | Presence | Iq

/** Header of a stanza to build. A JID goes in as object or as text. */
export interface StanzaHeader {
  readonly from?: Jid | string | undefined
  readonly to?: Jid | string | undefined
  readonly type?: string | undefined
  readonly id?: string | undefined
}

function attributesOf(header: StanzaHeader): StanzaAttributes {
  const attributes: StanzaAttributes = {}
  if (header.from !== undefined) attributes.from = header.from.toString()
  if (header.to !== undefined) attributes.to = header.to.toString()
  if (header.type !== undefined) attributes.type = header.type
  if (header.id !== undefined) attributes.id = header.id
  return attributes
}

export function message(header: StanzaHeader & { type?: MessageType }, ...content: readonly (Element | undefined | false)[]): Message {
  const attributes = attributesOf(header)
  if (attributes.type === 'normal') delete attributes.type
  return new Message(attributes, element('message', attributes, ...content))
}
export function presence(header: StanzaHeader & { type?: PresenceType } = {}, ...content: readonly (Element | undefined | false)[]): Presence {
  const attributes = attributesOf(header)
  if (attributes.type === 'available') delete attributes.type
  return new Presence(attributes, element('presence', attributes, ...content))
}
export function iq(header: StanzaHeader & { type: IqType }, payload?: Element | undefined): Iq {
  const attributes = attributesOf(header)
  return new Iq(attributes, element('iq', attributes, payload))
}

/** Makes a stanza of an element named message, presence or iq. The element belongs to the stanza afterwards. */
export function stanzaFrom(el: Element): Stanza {
  const attributes: StanzaAttributes = {}
  for (const name in el.attrs) if (name !== 'xmlns') attributes[name] = String(el.attrs[name])
  delete el.attrs.xmlns
  switch (el.getName()) {
    case 'message':
      return new Message(attributes, el)
    case 'presence':
      return new Presence(attributes, el)
    case 'iq':
      return new Iq(attributes, el)
    default:
      throw new TypeError(`<${el.getName()}/> is no stanza`)
  }
}

/** Parses one stanza from text, for example out of a table. @throws XmlError, TypeError when it is none */
export function parseStanza(xml: string): Stanza {
  return stanzaFrom(parseElement(xml))
}

/**
 * The error stanza that answers `stanza` (RFC 6120 §8.3): same kind and id, addresses swapped, the original payload kept.
 * @returns undefined when there must be no answer: to an error, to an iq result (§8.3.1), to a presence of type unavailable
 */
export function errorReply(stanza: Stanza, error: StanzaError): Stanza | undefined {
  if (stanza.type === 'error' || stanza.type === 'result') return undefined
  const reply = stanza.clone()
  reply.setAttribute('type', 'error')
  const { from, to } = stanza
  reply.to = from
  reply.from = to
  reply.appendChild(error.toElement())
  return reply
}
