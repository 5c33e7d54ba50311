/**
 * What message, presence and iq have in common. Headers and texts are read without building a tree; the tree of a stanza is built
 * when somebody asks for it, and what nobody changed is written as it was read.
 */
import { attributeText, childElements, childText, Element, element, findChild, namespaceOf, parseElement } from './element.js'
import { Jid } from './jid.js'
import { NS } from './namespaces.js'

export type StanzaKind = 'message' | 'presence' | 'iq'

/** Attributes of a stanza's start tag as they stand on the wire, unescaped. `xmlns` is left out. */
export type StanzaAttributes = Record<string, string>

/** Where a child stands in a stanza's inner text: what a parser noted on its way, so that texts can be had without a tree. */
export interface ChildOutline {
  readonly name: string
  /** Undefined where it is the stanza's own. */
  readonly namespace: string | undefined
  /** Content, between its tags. */
  readonly start: number
  readonly end: number
  /** True when the content is text alone. */
  readonly isText: boolean
}

export abstract class BaseStanza {
  /** Notes of plugins on a stanza that is being routed (`Crossing.routed`). A copy begins without. */
  [note: symbol]: unknown
  abstract readonly kind: StanzaKind
  readonly #attributes: StanzaAttributes
  /** Children as XML text; valid while `#exposed` is false. */
  #inner: string | undefined
  /** The tree, once somebody needed it. */
  #element: Element | undefined
  /** Somebody holds the tree and may change it: from now on it is the truth, and nothing about it is remembered. */
  #exposed = false
  /** The children of `#inner`, where the parser noted them. */
  #outline: readonly ChildOutline[] | undefined
  /** The whole as text, until something changes. */
  #text: string | undefined
  #from: Jid | undefined
  #to: Jid | undefined

  /**
   * @param content children: XML text that is well-formed by itself, or an element whose children are taken over
   * @param outline the children of that text, where they are known
   * @param text the whole, where it has been written already
   */
  constructor(attributes: StanzaAttributes, content: string | Element, outline?: readonly ChildOutline[], text?: string) {
    this.#attributes = attributes
    this.#outline = outline
    this.#text = text
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
    this.#text = undefined
    if (name === 'from') this.#from = undefined
    else if (name === 'to') this.#to = undefined
    if (this.#element) {
      if (value === undefined) delete this.#element.attrs[name]
      else this.#element.attrs[name] = value
    }
  }

  /** True when there is a child with this local name and namespace (`jabber:client` unless given). */
  hasChild(name: string, namespace: string = NS.client): boolean {
    return this.#outline ? outlined(this.#outline, name, namespace) !== undefined : findChild(this.#tree(), name, namespace) !== undefined
  }

  /** The text of the first such child. Costs less than {@link child}, after which the stanza must be written anew. */
  childText(name: string, namespace: string = NS.client): string | undefined {
    if (!this.#outline) return childText(this.#tree(), name, namespace)
    const found = outlined(this.#outline, name, namespace)
    if (found?.isText) return unescapeText((this.#inner as string).slice(found.start, found.end))
    return found && childText(this.#tree(), name, namespace)
  }

  /** The namespaces of all child elements, in order. */
  childNamespaces(): string[] {
    return this.#outline?.map((it) => it.namespace ?? NS.client) ?? childElements(this.#tree()).map(namespaceOf)
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

  /** Adds a child that nobody changes afterwards: where there is no tree none is built for it. */
  appendChild(child: Element): this {
    if (!this.#outline || this.#inner === undefined) return this.addChild(child)
    return this.#append(child.getName(), child.getNS(), child.toString(), child.children)
  }

  /** {@link appendChild} of an element that has no content, at a fraction of the cost. @throws TypeError as `element` does */
  appendLeaf(name: string, namespace: string, attributes: Readonly<Record<string, string>>): this {
    if (!this.#outline || this.#inner === undefined) return this.addChild(element(name, { xmlns: namespace, ...attributes }))
    let xml = `<${name} xmlns="${attributeText(namespace)}"`
    for (const key in attributes) xml += ` ${key}="${attributeText(attributes[key] as string)}"`
    return this.#append(name, namespace, `${xml}/>`)
  }

  /** @param children of the child that is appended */
  #append(name: string, namespace: string | undefined, xml: string, children: readonly unknown[] = []): this {
    if (this.#text !== undefined) this.#text = this.#inner === '' ? undefined : this.#text.slice(0, -this.#endTag.length) + xml + this.#endTag
    const at = (this.#inner as string).length
    this.#inner += xml
    // What is written has no > but at the end of a tag.
    const [start, end] = children.length === 0 ? [xml.length, xml.length] : [xml.indexOf('>') + 1, xml.lastIndexOf('<')]
    const isText = children.every((it) => typeof it === 'string')
    this.#outline = [...(this.#outline as readonly ChildOutline[]), { name, namespace, start: at + start, end: at + end, isText }]
    this.#element = undefined
    return this
  }

  get #endTag(): string {
    return `</${this.kind}>`
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
    this.#outline = undefined
    this.#text = undefined
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
    if (this.#text !== undefined) return this.#text
    const inner = this.innerXml()
    const { kind } = this
    const text = inner === '' ? `<${kind}${this.#startTagAttributes()}/>` : `<${kind}${this.#startTagAttributes()}>${inner}${this.#endTag}`
    if (!this.#exposed) this.#text = text
    return text
  }

  /** A copy that can be changed without touching this one. Shares the text while neither is changed. */
  protected copyParts(): [StanzaAttributes, string, readonly ChildOutline[] | undefined, string | undefined] {
    return [copyOf(this.#attributes), this.innerXml(), this.#outline, this.#text]
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

/** Not by spreading: V8 11 (Node 20) makes a hidden class of its own for each such copy that is given one more attribute. */
function copyOf(attributes: StanzaAttributes): StanzaAttributes {
  const copy: StanzaAttributes = {}
  for (const name in attributes) copy[name] = attributes[name] as string
  return copy
}

function outlined(outline: readonly ChildOutline[], name: string, namespace: string): ChildOutline | undefined {
  for (const child of outline) {
    if (child.name === name && (child.namespace ?? NS.client) === namespace) return child
  }
  return undefined
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

const ENTITY = /&(?:amp|lt|gt|quot|apos);/g
const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" }

function unescapeText(text: string): string {
  return text.includes('&') ? text.replace(ENTITY, (entity) => ENTITIES[entity] as string) : text
}
