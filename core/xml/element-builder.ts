/**
 * Builds one child of the stream's root as a tree that stands alone: what it takes from the root's namespace declarations, or from
 * a stanza's own, is declared where it is used. The content namespace is never written: a stanza's place gives it.
 */
import { Element } from '@beaconfire/plugin-sdk'
import type { SaxesTagNS } from 'saxes'

export class ElementBuilder {
  readonly #contentNamespace: string
  #top: Element | undefined
  #current: Element | undefined
  #isStanza = false
  /** Default namespace inside each open element. */
  readonly #defaults: string[] = []

  constructor(contentNamespace: string) {
    this.#contentNamespace = contentNamespace
  }

  /** True when what is being built, or was built last, is a message, presence or iq of the content namespace. */
  get isStanza(): boolean {
    return this.#isStanza
  }

  open(tag: SaxesTagNS): void {
    const parent = this.#current
    if (!parent) this.#isStanza = isStanzaName(tag.local) && tag.uri === this.#contentNamespace
    const isOpaque = !parent && this.#isStanza
    const inherited = parent ? this.#defaults[this.#defaults.length - 1] : this.#isStanza ? this.#contentNamespace : undefined
    const isPlain = tag.prefix === '' || tag.uri === this.#contentNamespace
    const el = new Element(isPlain ? tag.local : tag.name)
    const own = isPlain ? tag.uri : tag.ns['']
    if (own !== undefined && own !== inherited) el.attrs.xmlns = own
    if (parent) parent.cnode(el)
    else this.#top = el
    if (!isPlain) this.#declare(el, tag.prefix, tag.uri)
    this.#takeAttributes(el, tag, isOpaque)
    this.#current = el
    this.#defaults.push(own ?? inherited ?? '')
  }

  text(value: string): void {
    this.#current?.t(value)
  }

  /** Ends the innermost element. @returns the whole tree when that was its top */
  close(): Element | undefined {
    const closed = this.#current
    this.#current = closed?.parent ?? undefined
    this.#defaults.pop()
    if (this.#current) return undefined
    this.#top = undefined
    return closed
  }

  /** @param isOpaque the element's declarations are not seen by its children: a stanza's children are kept without its start tag */
  #takeAttributes(el: Element, tag: SaxesTagNS, isOpaque: boolean): void {
    for (const name in tag.attributes) {
      const attribute = tag.attributes[name]
      if (attribute === undefined || name === 'xmlns') continue
      const { prefix, value, uri } = attribute
      if (prefix === 'xmlns') {
        if (!isOpaque) el.attrs[name] = value.trim()
        continue
      }
      setAttribute(el, name, value)
      if (prefix !== '' && prefix !== 'xml') this.#declare(el, prefix, uri)
    }
  }

  /** Declares a prefix on `el` unless an element of the tree that it stands in has done so. */
  #declare(el: Element, prefix: string, uri: string): void {
    const name = `xmlns:${prefix}`
    for (let at: Element | null = el; at; at = at.parent) {
      if (this.#isStanza && at === this.#top && at !== el) break
      const bound: unknown = at.attrs[name]
      if (bound === uri) return
      if (bound !== undefined) break
    }
    el.attrs[name] = uri
  }
}

function isStanzaName(name: string): boolean {
  return name === 'message' || name === 'presence' || name === 'iq'
}

function setAttribute(el: Element, name: string, value: string): void {
  // Assigning to `__proto__` would set the prototype.
  if (name === '__proto__') Object.defineProperty(el.attrs, name, { value, enumerable: true, configurable: true, writable: true })
  else el.attrs[name] = value
}
