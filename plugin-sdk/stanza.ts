/**
 * Stanzas: message, presence and iq as values. Reading and writing headers and texts is cheap; the tree of a stanza
 * is built when somebody asks for it, and what nobody changed is written as it was read.
 */
import { childElements, childText, Element, element, findChild, namespaceOf, parseElement } from './element.js'
import { Jid } from './jid.js'
import { NS } from './namespaces.js'
import type { StanzaError } from './stanza-error.js'

export type StanzaKind = 'message' | 'presence' | 'iq'
export type MessageType = 'normal' | 'chat' | 'groupchat' | 'headline' | 'error'
export type PresenceType = 'available' | 'unavailable' | 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'probe' | 'error'
export type IqType = 'get' | 'set' | 'result' | 'error'

/** Attributes of a stanza's start tag as they stand on the wire, unescaped. `xmlns` is left out. */
export type StanzaAttributes = Record<string, string>

abstract class BaseStanza {
  abstract readonly kind: StanzaKind
  readonly #attributes: StanzaAttributes
  /** Children as XML text; valid while `#exposed` is false. */
  #inner: string | undefined
  /** The tree, once somebody needed it. */
  #element: Element | undefined
  /** Somebody holds the tree and may change it: from now on it is the truth, and nothing about it is remembered. */
  #exposed = false
  #from: Jid | undefined
  #to: Jid | undefined

  /** @param content children: XML text that is well-formed by itself, or an element whose children are taken over */
  constructor(attributes: StanzaAttributes, content: string | Element) {
    this.#attributes = attributes
    if (typeof content === 'string') this.#inner = content
    else this.#element = content
  }

  get id(): string | undefined {
    return this.#attributes.id
  }
  set id(id: string | undefined) {
    this.setAttribute('id', id)
  }

  /** Sender. Stamped by the server on everything a client sends (RFC 6120 §8.1.2.1). */
  get from(): Jid | undefined {
    const text = this.#attributes.from
    if (text === undefined) return undefined
    return (this.#from ??= Jid.parse(text))
  }
  set from(jid: Jid | undefined) {
    this.setAttribute('from', jid?.toString())
    this.#from = jid
  }

  /** Addressee. A stanza that reached a plugin has a valid one or none. */
  get to(): Jid | undefined {
    const text = this.#attributes.to
    if (text === undefined) return undefined
    return (this.#to ??= Jid.parse(text))
  }
  set to(jid: Jid | undefined) {
    this.setAttribute('to', jid?.toString())
    this.#to = jid
  }

  get lang(): string | undefined {
    return this.#attributes['xml:lang']
  }
  set lang(lang: string | undefined) {
    this.setAttribute('xml:lang', lang)
  }

  /** An attribute of the start tag, as text. */
  attribute(name: string): string | undefined {
    return Object.hasOwn(this.#attributes, name) ? this.#attributes[name] : undefined
  }

  setAttribute(name: string, value: string | undefined): void {
    if (value === undefined) delete this.#attributes[name]
    else this.#attributes[name] = value
    if (name === 'from') this.#from = undefined
    else if (name === 'to') this.#to = undefined
    if (this.#element) {
      if (value === undefined) delete this.#element.attrs[name]
      else this.#element.attrs[name] = value
    }
  }

  /** True when there is a child with this local name and namespace (`jabber:client` unless given). */
  hasChild(name: string, namespace: string = NS.client): boolean {
    return findChild(this.#tree(), name, namespace) !== undefined
  }

  /** The text of the first such child. Costs less than {@link child}, after which the stanza must be written anew. */
  childText(name: string, namespace: string = NS.client): string | undefined {
    return childText(this.#tree(), name, namespace)
  }

  /** The namespaces of all child elements, in order. */
  childNamespaces(): string[] {
    return childElements(this.#tree()).map(namespaceOf)
  }

  /** The first child with this local name and namespace, which the caller may change. */
  child(name: string, namespace: string = NS.client): Element | undefined {
    return findChild(this.element, name, namespace)
  }

  /** All child elements, which the caller may change. */
  childElements(): Element[] {
    return childElements(this.element)
  }

  addChild(child: Element): this {
    this.element.cnode(child)
    return this
  }

  /** Removes every child with this local name and namespace. @returns how many there were */
  removeChildren(name: string, namespace: string = NS.client): number {
    const { children } = this.element
    const kept = children.filter((it) => !(it instanceof Element && it.getName() === name && namespaceOf(it) === namespace))
    const removed = children.length - kept.length
    if (removed > 0) this.element.children = kept
    return removed
  }

  /** The whole stanza as a tree that the caller may change; addresses and type are changed through the accessors. */
  get element(): Element {
    const tree = this.#tree()
    this.#exposed = true
    this.#inner = undefined
    return tree
  }

  /** The children as XML text. */
  innerXml(): string {
    if (this.#inner !== undefined) return this.#inner
    const xml = this.#element?.children.map((child) => child.toString()).join('') ?? ''
    if (!this.#exposed) this.#inner = xml
    return xml
  }

  /** The stanza as XML, with no namespace declaration of its own: its place gives the namespace. */
  toString(): string {
    const inner = this.innerXml()
    const { kind } = this
    return inner === '' ? `<${kind}${this.#startTagAttributes()}/>` : `<${kind}${this.#startTagAttributes()}>${inner}</${kind}>`
  }

  /** A copy that can be changed without touching this one. Shares the text while neither is changed. */
  protected copyParts(): [StanzaAttributes, string] {
    return [{ ...this.#attributes }, this.innerXml()]
  }

  /** Sets the text of the content-namespace child `name`, or removes it. */
  protected setChildText(name: string, text: string | undefined): void {
    const found = findChild(this.element, name, NS.client)
    if (text === undefined) this.removeChildren(name)
    else if (found) found.children = element(name, {}, text).children
    else this.addChild(element(name, {}, text))
  }

  #tree(): Element {
    if (this.#element) return this.#element
    const { kind } = this
    const tree = this.#inner === '' || this.#inner === undefined ? new Element(kind) : parseElement(`<${kind}>${this.#inner}</${kind}>`)
    Object.assign(tree.attrs, this.#attributes)
    this.#element = tree
    return tree
  }

  #startTagAttributes(): string {
    let text = ''
    const attributes = this.#attributes
    for (const name in attributes) text += ` ${name}="${escapeAttribute(attributes[name] as string)}"`
    return text
  }
}

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
  reply.addChild(error.toElement())
  return reply
}

const ATTRIBUTE_SPECIAL = /[&<>"'\t\n\r]/g
const ATTRIBUTE_ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

function escapeAttribute(value: string): string {
  // Nearly every value is a JID, an id or a type: look before replacing.
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code === 38 || code === 60 || code === 62 || code === 34 || code === 39 || code < 32) {
      return value.replace(ATTRIBUTE_SPECIAL, (char) => ATTRIBUTE_ESCAPES[char] as string)
    }
  }
  return value
}
