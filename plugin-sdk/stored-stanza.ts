/**
 * Reads a stanza of the plain form nearly all have without building its tree: names without prefix, the five entities at most, no CDATA.
 * Whatever is not of that form is left to the strict parser. It never accepts what that one refuses.
 */
import type { ChildOutline, StanzaAttributes } from './base-stanza.js'
import { isXmlText, parseElement } from './element.js'
import { NS } from './namespaces.js'
import { Message, type Stanza, stanzaFrom } from './stanza.js'

interface PlainStanza {
  readonly attributes: StanzaAttributes
  readonly inner: string
  readonly outline: readonly ChildOutline[]
}

interface Tag {
  readonly name: string
  readonly attributes: StanzaAttributes
  readonly isEmpty: boolean
}

/** Each step through these takes at least one character and none is looked at twice, so that the time is linear. */
const NAME = /[A-Za-z_][A-Za-z0-9_.-]*/y
const ATTRIBUTE = /[ ]([A-Za-z_][A-Za-z0-9_.-]*|xml:lang)=(?:"([^"<\t\n\r]*)"|'([^'<\t\n\r]*)')/y
const NOT_PLAIN = /&(?!(?:amp|lt|gt|quot|apos);)|]]>|\r/
/** Namespaces that no element may declare (Namespaces in XML §3). */
const RESERVED: ReadonlySet<string> = new Set(['http://www.w3.org/2000/xmlns/', 'http://www.w3.org/XML/1998/namespace'])
const ENTITY = /&(amp|lt|gt|quot|apos);/g
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Like `parseStanza`, at a fraction of its cost for a message without anything rare in it. @throws XmlError, TypeError when it is none */
export function parseStoredStanza(xml: string): Stanza {
  const plain = xml.startsWith('<message') ? new PlainReader(xml).message() : undefined
  return plain ? new Message(plain.attributes, plain.inner, plain.outline) : stanzaFrom(parseElement(xml))
}

class PlainReader {
  readonly #xml: string
  #at = 0

  constructor(xml: string) {
    this.#xml = xml
  }

  message(): PlainStanza | undefined {
    const xml = this.#xml
    if (NOT_PLAIN.test(xml) || !isXmlText(xml)) return undefined
    const root = this.#openTag()
    if (root?.name !== 'message' || (root.attributes.xmlns ?? NS.client) !== NS.client) return undefined
    delete root.attributes.xmlns
    const start = this.#at
    if (root.isEmpty) return start === xml.length ? { attributes: root.attributes, inner: '', outline: [] } : undefined
    const outline: ChildOutline[] = []
    while (!xml.startsWith('</', this.#at)) {
      if (xml[this.#at] !== '<') return undefined // text beside the children
      const child = this.#child(start)
      if (!child) return undefined
      outline.push(child)
    }
    const inner = xml.slice(start, this.#at)
    return this.#closeTag('message') && this.#at === xml.length ? { attributes: root.attributes, inner, outline } : undefined
  }

  /** @param origin where the offsets are counted from */
  #child(origin: number): ChildOutline | undefined {
    const tag = this.#openTag()
    if (!tag || tag.attributes.xmlns === '') return undefined
    const start = this.#at
    const isText = tag.isEmpty || this.#content([tag.name])
    if (isText === undefined) return undefined
    const end = tag.isEmpty ? start : this.#at - `</${tag.name}>`.length
    return { name: tag.name, namespace: tag.attributes.xmlns, start: start - origin, end: end - origin, isText }
  }

  /** Reads until the first of the open elements is closed. @returns whether there was only text in it */
  #content(open: string[]): boolean | undefined {
    const xml = this.#xml
    let isText = true
    while (open.length > 0) {
      this.#at = xml.indexOf('<', this.#at)
      if (this.#at < 0) return undefined
      if (xml[this.#at + 1] === '/') {
        if (!this.#closeTag(open.pop() as string)) return undefined
        continue
      }
      isText = false
      const tag = this.#openTag()
      if (!tag) return undefined
      if (!tag.isEmpty) open.push(tag.name)
    }
    return isText
  }

  #openTag(): Tag | undefined {
    const xml = this.#xml
    NAME.lastIndex = this.#at + 1
    const name = xml[this.#at] === '<' ? NAME.exec(xml)?.[0] : undefined
    if (name === undefined) return undefined
    this.#at += 1 + name.length
    const attributes = xml[this.#at] === ' ' ? this.#attributes() : {}
    const isEmpty = xml[this.#at] === '/'
    if (isEmpty) this.#at++
    return attributes && xml[this.#at++] === '>' ? { name, attributes, isEmpty } : undefined
  }

  #attributes(): StanzaAttributes | undefined {
    const attributes: StanzaAttributes = {}
    for (;;) {
      ATTRIBUTE.lastIndex = this.#at
      const found = ATTRIBUTE.exec(this.#xml)
      if (!found) return attributes
      const [whole, name = '', quoted, value = quoted ?? ''] = found
      if (name === '__proto__' || Object.hasOwn(attributes, name) || RESERVED.has(value)) return undefined
      attributes[name] = value.includes('&') ? value.replace(ENTITY, (_, entity: string) => ENTITIES[entity] as string) : value
      this.#at += whole.length
    }
  }

  #closeTag(name: string): boolean {
    const tag = `</${name}>`
    if (!this.#xml.startsWith(tag, this.#at)) return false
    this.#at += tag.length
    return true
  }
}
