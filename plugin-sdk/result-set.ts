/** Result set management (XEP-0059) over results that are all at hand: which of them a request wants, and the `<set/>` that goes with them. */
import { childElements, childText, type Element, element, namespaceOf } from './element.js'
import { NS } from './namespaces.js'
import { StanzaError } from './stanza-error.js'

export interface PageRequest {
  /** Not more than this; 0 asks for the count alone (§2.7). */
  readonly max: number | undefined
  /** Behind this one. */
  readonly after: string | undefined
  /** Before this one; '' asks for the last page (§2.5). */
  readonly before: string | undefined
  /** From this place on, counted from 0 (§2.6). */
  readonly index: number | undefined
}

/** Where a page is among all results; `end` is exclusive. */
export interface PagePlace {
  readonly start: number
  readonly end: number
}

/** @returns undefined when the request names no page @throws StanzaError bad-request for one that makes no sense */
export function readPageRequest(request: Element): PageRequest | undefined {
  const [set, ...more] = childElements(request).filter((it) => it.getName() === 'set' && namespaceOf(it) === NS.resultSet)
  if (more.length > 0) throw badRequest('There are several result sets.')
  if (!set) return undefined
  const [after, before, index] = [childText(set, 'after'), childText(set, 'before'), whole(childText(set, 'index'))]
  if ([after, before, index].filter((it) => it !== undefined).length > 1) throw badRequest('A page is after one, before one, or at an index.')
  return { max: whole(childText(set, 'max')), after, before, index }
}

/**
 * @param ids of all results, in order, without doubles
 * @param most results of one page
 * @throws StanzaError item-not-found when the page is beside a result that is not there (§2.2)
 */
export function placeOfPage(ids: readonly string[], page: PageRequest | undefined, most: number): PagePlace {
  const size = Math.min(page?.max ?? most, most)
  if (page?.before !== undefined) {
    const end = page.before === '' ? ids.length : positionOf(ids, page.before)
    return { start: Math.max(0, end - size), end }
  }
  const start = page?.after !== undefined ? positionOf(ids, page.after) + 1 : Math.min(page?.index ?? 0, ids.length)
  return { start, end: Math.min(ids.length, start + size) }
}

/** The `<set/>` of an answer that holds this page. */
export function resultSet(ids: readonly string[], { start, end }: PagePlace): Element {
  const isEmpty = end <= start
  return element(
    'set',
    { xmlns: NS.resultSet },
    !isEmpty && element('first', { index: start }, ids[start]),
    !isEmpty && element('last', {}, ids[end - 1]),
    element('count', {}, ids.length),
  )
}

function positionOf(ids: readonly string[], id: string): number {
  const position = ids.indexOf(id)
  if (position < 0) throw new StanzaError('item-not-found', { text: 'There is no such result.' })
  return position
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text.trim())) throw badRequest('The size and the index of a page are whole numbers.')
  return Number(text)
}

function badRequest(text: string): StanzaError {
  return new StanzaError('bad-request', { text })
}
