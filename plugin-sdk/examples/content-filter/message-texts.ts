/** The texts of a message that people read: bodies and subjects in every language, and what an XHTML part shows. */
import { Element, type Message, NS, namespaceOf } from '@beaconfire/plugin-sdk'

const XHTML = 'http://jabber.org/protocol/xhtml-im'
const INLINE = new Set(['a', 'abbr', 'b', 'cite', 'code', 'em', 'font', 'i', 'q', 's', 'small', 'span', 'strong', 'sub', 'sup', 'tt', 'u'])

export function textsOf(message: Message): string[] {
  const { body, subject } = message
  const plain = [body, subject].filter((text) => text !== undefined)
  // Nearly every message has one of each: then no tree is built, and the message is written on as it was read.
  const namespaces = message.childNamespaces()
  const known = plain.length + (message.thread === undefined ? 0 : 1)
  if (namespaces.filter((it) => it === NS.client).length <= known && !namespaces.includes(XHTML)) return plain
  return readElements(message).map(shownText)
}

/** Rewrites bodies and subjects by `rewrite`, which gives undefined to leave a text. The XHTML part is dropped: the body says the same. */
export function rewriteTexts(message: Message, rewrite: (text: string) => string | undefined): void {
  for (const child of readElements(message)) {
    const text = rewrite(shownText(child))
    if (text === undefined) continue
    if (namespaceOf(child) === NS.client) child.children = [text]
    else message.removeChildren(child.getName(), namespaceOf(child))
  }
}

function readElements(message: Message): Element[] {
  return message.childElements().filter((child) => {
    const namespace = namespaceOf(child)
    if (namespace === XHTML) return true
    return namespace === NS.client && (child.getName() === 'body' || child.getName() === 'subject')
  })
}

/** Depth is bounded by the server's limit on stanzas. */
function shownText(element: Element): string {
  return element.children.map((child) => (child instanceof Element ? shownChild(child) : String(child))).join('')
}

/** A word goes on through emphasis, but not from one paragraph into the next. */
function shownChild(child: Element): string {
  const text = shownText(child)
  return INLINE.has(child.getName()) ? text : ` ${text} `
}
