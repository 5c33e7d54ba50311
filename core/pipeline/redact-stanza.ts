/** Shows how a stanza is built without what is said in it. */
import { createHmac } from 'node:crypto'
import { Element, parseElement } from '@beaconfire/plugin-sdk'

/** Attributes of payloads whose values say how a stanza works and not what somebody said. */
const SHOWN = new Set(
  'xmlns id type to from jid node var action affiliation role code by ver hash algo stamp subscription ask xml:lang seconds queryid max'.split(' '),
)

/**
 * The same XML with each text, and each attribute of a payload that may hold one, as `[n characters, <mark>]`. Equal texts have equal
 * marks under one key, so that a rewrite still shows.
 * @param xml one stanza as text
 */
export function redactStanza(xml: string, key: Uint8Array): string {
  const tree = parseElement(xml)
  redactChildren(tree, key)
  return tree.toString()
}

function redactChildren(element: Element, key: Uint8Array): void {
  element.children = element.children.map((child) => {
    if (!(child instanceof Element)) return String(child).trim() === '' ? child : redacted(String(child), key)
    for (const name of Object.keys(child.attrs)) {
      const value: unknown = child.attrs[name]
      if (!SHOWN.has(name) && !name.startsWith('xmlns:') && typeof value === 'string') child.attrs[name] = redacted(value, key)
    }
    redactChildren(child, key)
    return child
  })
}

function redacted(text: string, key: Uint8Array): string {
  const mark = createHmac('sha256', key).update(text).digest('hex').slice(0, 8)
  return `[${text.length} characters, ${mark}]`
}
