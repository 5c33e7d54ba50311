/** What is shown of a stanza, where what people say must not be. */
import { hash, randomBytes } from 'node:crypto'
import { detachText, Element, parseElement } from '@beaconfire/plugin-sdk'

/** Attributes whose values say how a stanza works and not what somebody said. */
const SHOWN = new Set(
  'xmlns id type to from jid node var action affiliation role code by ver hash algo stamp subscription ask xml:lang seconds queryid max'.split(' '),
)

/** By which texts that are left out can be told apart, and by nobody else: of one recording or one shadow. */
export function markingKey(): string {
  return randomBytes(16).toString('hex')
}

/** @param bodies true: the stanza as it is; otherwise without its texts @returns a text that may be kept */
export function shownStanza(xml: string, bodies: boolean, key: string): string {
  return detachText(bodies ? xml : redactStanza(xml, key))
}

/**
 * The same XML with each text, and each attribute that may hold one, as `[n characters, <mark>]`. Equal texts have equal marks under one
 * key, so that a rewrite still shows. Never throws: what cannot be read here is delivered all the same.
 * @param xml one stanza as text
 */
function redactStanza(xml: string, key: string): string {
  let tree: Element
  try {
    tree = parseElement(xml)
  } catch {
    return '(cannot be shown without its texts)'
  }
  redactElement(tree, key)
  return tree.toString()
}

function redactElement(element: Element, key: string): void {
  for (const name of Object.keys(element.attrs)) {
    const value: unknown = element.attrs[name]
    if (!SHOWN.has(name) && !name.startsWith('xmlns:') && typeof value === 'string') element.attrs[name] = redacted(value, key)
  }
  element.children = element.children.map((child) => {
    if (!(child instanceof Element)) return String(child).trim() === '' ? child : redacted(String(child), key)
    redactElement(child, key)
    return child
  })
}

function redacted(text: string, key: string): string {
  // The key comes first and most of the hash is cut off, so that this tells no more than an HMAC, for a quarter of its cost.
  const mark = hash('sha256', key + text).slice(0, 8)
  return `[${text.length} characters, ${mark}]`
}
