/** XML elements: ltx's tree, the one builder, and the one strict parser of stored or literal XML. */
import { Element, escapeXML } from 'ltx'
import { SaxesParser, type SaxesTagNS } from 'saxes'
import { NS } from './namespaces.js'
import { plainElement } from './plain-element.js'

export { Element }

/** What a parent may hold. `undefined` and `false` are left out, so that a condition can stand in an argument list. */
export type Content = Element | string | number | undefined | false

/**
 * The XML builder of the whole server: `element('query', { xmlns: NS.roster }, element('item', { jid }))`.
 * Attributes that are `undefined` are left out. Text and values are escaped when written.
 * @throws TypeError when text holds a character that XML 1.0 §2.2 does not allow
 */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...content: readonly Content[]
): Element {
  const built = new Element(name)
  for (const key in attributes) {
    const value = attributes[key]
    if (value !== undefined) built.attrs[key] = xmlText(String(value))
  }
  for (const part of content) {
    if (part === undefined || part === false) continue
    if (part instanceof Element) built.cnode(part)
    else built.t(xmlText(String(part)))
  }
  return built
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the very characters that XML forbids
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** True when every character of `text` may stand in an XML 1.0 document (§2.2 Char). */
export function isXmlText(text: string): boolean {
  return !FORBIDDEN.test(text)
}

/** Characters that stand in an attribute as they are. */
const PLAIN = /^[ !#-%(-;=?-~]*$/

/** A value as it stands between the quotes of an attribute. @throws TypeError when it holds a character that XML does not allow */
export function attributeText(value: string): string {
  return PLAIN.test(value) ? value : escapeXML(xmlText(value))
}

function xmlText(text: string): string {
  if (FORBIDDEN.test(text)) throw new TypeError('text holds a character that XML does not allow')
  return text
}

/** XML that {@link parseElement} could not read; `message` says where and why. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

/**
 * Parses one element strictly: well-formed, namespaces bound, no DTD, comment or processing instruction (RFC 6120 §11).
 * Names without a prefix are in `defaultNamespace` unless they say otherwise.
 * @throws XmlError
 */
export function parseElement(xml: string, defaultNamespace: string = NS.client): Element {
  return plainElement(xml) ?? parseStrictly(xml, defaultNamespace)
}

/** {@link parseElement} of XML of any form. */
export function parseStrictly(xml: string, defaultNamespace: string): Element {
  const parser = new SaxesParser({ xmlns: true, position: false, additionalNamespaces: { '': defaultNamespace } })
  let root: Element | undefined
  let current: Element | undefined
  const refuse = (what: string) => () => {
    throw new XmlError(`${what} is not allowed`)
  }
  const text = (value: string) => void current?.t(value)
  // Set by name: `on` would store these by computed key, and V8 would turn the parser into a hash table, which is far slower.
  Object.assign(parser, {
    errorHandler(error: Error) {
      throw new XmlError(error.message)
    },
    doctypeHandler: refuse('a document type'),
    commentHandler: refuse('a comment'),
    piHandler: refuse('a processing instruction'),
    openTagHandler(tag: SaxesTagNS) {
      const opened = new Element(tag.name)
      for (const key in tag.attributes) opened.attrs[key] = tag.attributes[key]?.value
      if (current) current.cnode(opened)
      else root = opened
      current = opened
    },
    closeTagHandler() {
      current = current?.parent ?? undefined
    },
    textHandler: text,
    cdataHandler: text,
  })
  parser.write(xml).close()
  if (!root) throw new XmlError('no element found')
  return root
}

/** The namespace of an element inside a stanza; what declares none is in `jabber:client`. */
export function namespaceOf(el: Element): string {
  return el.getNS() ?? NS.client
}

/** The child elements of `parent`, in order, texts left out. */
export function childElements(parent: Element): Element[] {
  return parent.children.filter((child): child is Element => child instanceof Element)
}

/** The first child element with this local name and namespace (that of the parent unless given). */
export function findChild(parent: Element, name: string, namespace: string = namespaceOf(parent)): Element | undefined {
  for (const child of parent.children) {
    if (child instanceof Element && child.getName() === name && namespaceOf(child) === namespace) return child
  }
  return undefined
}

/** The text of {@link findChild}, or `undefined` when there is no such child. */
export function childText(parent: Element, name: string, namespace?: string): string | undefined {
  return findChild(parent, name, namespace)?.getText()
}
