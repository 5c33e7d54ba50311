/** Result set management (XEP-0059) over a list of ids. */
import { type Element, element, findChild, NS, StanzaError } from '@beaconfire/plugin-sdk'

export interface PageRequest {
  readonly max?: number | undefined
  readonly after?: string | undefined
  /** '' asks for the last page. */
  readonly before?: string | undefined
  readonly index?: number | undefined
}

const DIGITS = /^\d{1,9}$/

/** What a `<set/>` asks for. @throws StanzaError bad-request */
export function pageRequest(set: Element | undefined): PageRequest | undefined {
  if (!set) return undefined
  const text = (name: string) => findChild(set, name)?.getText()
  return { max: numberOf(text('max')), after: text('after'), before: text('before'), index: numberOf(text('index')) }
}

/** Where the page stands in the list. @param most entries of a page at most @throws StanzaError item-not-found for an id that is not in it */
export function pageOf(ids: readonly string[], { max, after, before, index }: PageRequest, most: number): { start: number; end: number } {
  const size = Math.min(max ?? most, most)
  if (after !== undefined && after !== '') {
    const start = positionOf(ids, after) + 1
    return { start, end: Math.min(ids.length, start + size) }
  }
  if (before !== undefined) {
    const end = before === '' ? ids.length : positionOf(ids, before)
    return { start: Math.max(0, end - size), end }
  }
  const start = Math.min(index ?? 0, ids.length)
  return { start, end: Math.min(ids.length, start + size) }
}

/** The `<set/>` of an answer. @param start place of the first in the whole list @param count length of that list */
export function resultSet(ids: readonly string[], start: number, count: number): Element {
  return element(
    'set',
    { xmlns: NS.resultSet },
    ids.length > 0 && element('first', { index: start }, ids[0]),
    ids.length > 0 && element('last', {}, ids.at(-1)),
    element('count', {}, count),
  )
}

function positionOf(ids: readonly string[], id: string): number {
  const position = ids.indexOf(id)
  if (position < 0) throw new StanzaError('item-not-found')
  return position
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!DIGITS.test(text)) throw new StanzaError('bad-request')
  return Number(text)
}
