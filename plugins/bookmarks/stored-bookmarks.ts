/** Bookmarks of rooms as items (XEP-0402 §2), and as the one element of before (XEP-0048 §2). */
import { childElements, type Element, element, findChild, Jid, NS, namespaceOf, type PepItem } from '@beaconfire/plugin-sdk'

export const STORAGE = 'storage:bookmarks'

/** `<storage/>` with these items, and with what is no room from what was there. */
export function storageOf(items: readonly PepItem[], stored: Element | undefined): Element {
  const others = stored ? childElements(stored).filter((it) => it.getName() !== 'conference') : []
  const rooms = items.flatMap(({ id, payload }) => (payload ? [moved(payload, STORAGE, { jid: id })] : []))
  return element('storage', { xmlns: STORAGE }, ...rooms, ...others)
}

/**
 * The rooms in `<storage/>` as items, by address; the last of two for the same.
 * @param known items that are there: extensions, which the old form does not have, stay
 */
export function itemsOf(storage: Element, known: readonly PepItem[]): Map<string, PepItem> {
  const extensions = new Map(known.map((it) => [it.id, it.payload && findChild(it.payload, 'extensions')]))
  const items = new Map<string, PepItem>()
  for (const conference of childElements(storage)) {
    const jid = conference.getName() === 'conference' ? Jid.tryParse(String(conference.attrs.jid ?? '')) : undefined
    if (!jid) continue
    const id = jid.bare().toString()
    const payload = moved(conference, NS.bookmarks, { jid: undefined })
    const kept = extensions.get(id)
    if (kept && !findChild(payload, 'extensions')) payload.cnode(kept)
    items.set(id, { id, payload })
  }
  return items
}

/** The same to those who show it: order of attributes, and how a boolean is written, do not count. */
export function isSameBookmark(a: Element | undefined, b: Element | undefined): boolean {
  return a !== undefined && b !== undefined && canonical(a) === canonical(b)
}

function canonical(bookmark: Element): string {
  const { name, autojoin } = bookmark.attrs as Record<string, string | undefined>
  const children = childElements(bookmark).map((it) => moved(it, namespaceOf(it), {}).toString())
  return JSON.stringify([name ?? '', autojoin === '1' || autojoin === 'true', children.sort((x, y) => x.localeCompare(y))])
}

/** A copy whose own namespace is another; elements of other namespaces in it stay what they are. */
function moved(source: Element, namespace: string, changes: Readonly<Record<string, string | undefined>>): Element {
  const from = namespaceOf(source)
  const children = source.children.map((child) => {
    if (typeof child === 'string') return child
    return moved(child, namespaceOf(child) === from ? namespace : namespaceOf(child), {})
  })
  const attributes: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(source.attrs)) attributes[name] = String(value)
  return element(source.getName(), { ...attributes, ...changes, xmlns: namespace }, ...children)
}
