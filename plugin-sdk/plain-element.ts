/**
 * XML of the plain form nearly all has, to its tree: names without prefix, attributes without references, text with the five entities
 * at most, no CDATA. Whatever is not of that form is left to the strict parser. It never accepts what that one refuses.
 */
import { Element } from 'ltx'

const [TAB, LF, SPACE, QUOT, AMP, APOS, HYPHEN, DOT, SLASH, LT, EQ, GT, RBRACKET] = [9, 10, 32, 34, 38, 39, 45, 46, 47, 60, 61, 62, 93] as const

/** Where reading ended because the text is not of the plain form. */
const NOT_PLAIN = -1
/** Elements in each other beyond which the strict parser is asked, which does not recurse either. */
const MOST_DEPTH = 200

const ENTITY = /&(amp|lt|gt|quot|apos);/g
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const NO_ENTITY = /&(?!(?:amp|lt|gt|quot|apos);)/

/** @returns undefined when the text is not one whole element of the plain form */
export function plainElement(xml: string): Element | undefined {
  const root = new Element('')
  let current = root
  let at = 0
  let depth = 0
  do {
    if (xml.charCodeAt(at) !== LT) {
      const end = endOfText(xml, at)
      if (end === NOT_PLAIN || depth === 0 || !addText(current, xml.slice(at, end))) return undefined
      at = end
    } else if (xml.charCodeAt(at + 1) === SLASH) {
      const end = at + 2 + current.name.length
      if (depth === 0 || !xml.startsWith(current.name, at + 2) || xml.charCodeAt(end) !== GT) return undefined
      current = current.parent as Element
      depth--
      at = end + 1
    } else {
      const nameEnd = endOfName(xml, at + 1)
      if (nameEnd === at + 1 || ++depth > MOST_DEPTH) return undefined
      const opened = new Element(xml.slice(at + 1, nameEnd))
      at = readAttributes(xml, nameEnd, opened.attrs as Record<string, string>)
      if (at === NOT_PLAIN) return undefined
      current.cnode(opened)
      if (xml.charCodeAt(at - 2) === SLASH) depth--
      else current = opened
    }
  } while (depth > 0)
  const [element] = root.children
  if (at !== xml.length || !(element instanceof Element)) return undefined
  element.parent = null
  return element
}

/** @returns where the next `<` stands */
function endOfText(xml: string, from: number): number {
  for (let at = from; at < xml.length; at++) {
    const code = xml.charCodeAt(at)
    if (code === LT) return at
    if (code < SPACE && code !== TAB && code !== LF) return NOT_PLAIN
    // halves of characters and what is none are for the strict parser to judge
    if (code >= 0xd800 || (code === RBRACKET && xml.charCodeAt(at + 1) === RBRACKET)) return NOT_PLAIN
  }
  return NOT_PLAIN
}

/** @returns false when there is another reference in it than the five */
function addText(element: Element, text: string): boolean {
  if (!text.includes('&')) element.t(text)
  else if (NO_ENTITY.test(text)) return false
  else element.t(text.replace(ENTITY, (_, name: string) => ENTITIES[name] as string))
  return true
}

/** From the end of the element's name. @returns the position after the tag's `>` */
function readAttributes(xml: string, from: number, attributes: Record<string, string>): number {
  let at = from
  for (;;) {
    const code = xml.charCodeAt(at)
    if (code === GT) return at + 1
    if (code === SLASH) return xml.charCodeAt(at + 1) === GT ? at + 2 : NOT_PLAIN
    if (code !== SPACE) return NOT_PLAIN
    while (xml.charCodeAt(at) === SPACE) at++
    const next = xml.charCodeAt(at)
    if (next === GT || next === SLASH) continue
    const nameEnd = xml.startsWith('xml:lang=', at) ? at + 8 : endOfName(xml, at)
    const quote = xml.charCodeAt(nameEnd + 1)
    if (nameEnd === at || xml.charCodeAt(nameEnd) !== EQ || (quote !== QUOT && quote !== APOS)) return NOT_PLAIN
    const valueEnd = endOfValue(xml, nameEnd + 2, quote)
    const name = xml.slice(at, nameEnd)
    if (valueEnd === NOT_PLAIN || name in attributes) return NOT_PLAIN // also what every object has, such as `__proto__`
    const value = xml.slice(nameEnd + 2, valueEnd)
    if (name === 'xmlns' && value.startsWith('http://www.w3.org/')) return NOT_PLAIN // reserved, some of them
    attributes[name] = value
    at = valueEnd + 1
  }
}

/** @returns where the closing quote stands */
function endOfValue(xml: string, from: number, quote: number): number {
  for (let at = from; at < xml.length; at++) {
    const code = xml.charCodeAt(at)
    if (code === quote) return at
    if (code < SPACE || code === AMP || code === LT || code >= 0xd800) return NOT_PLAIN
  }
  return NOT_PLAIN
}

/** A letter or `_`, then letters, digits, `_`, `-`, `.`. @returns where it ends; `from` when there is none */
function endOfName(xml: string, from: number): number {
  for (let at = from; ; at++) {
    const code = xml.charCodeAt(at)
    const isStart = (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
    if (!isStart && (at === from || !((code >= 48 && code <= 57) || code === HYPHEN || code === DOT))) return at
  }
}
