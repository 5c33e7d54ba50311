/** Paging (XEP-0059) as XEP-0313 uses it. */
import { childElements, childText, type Element, element, findChild, NS, namespaceOf, StanzaError } from '@beaconfire/plugin-sdk'

export interface PageRequest {
  /** Not more than this. */
  readonly max: number | undefined
  /** Behind this one. */
  readonly after: string | undefined
  /** Before this one, the last of those; '' is the end of all. */
  readonly before: string | undefined
}

export interface PageAnswer {
  readonly first: string | undefined
  readonly last: string | undefined
  /** How many are before `first`, where that is known. */
  readonly index: number | undefined
  readonly count: number
}

/** @throws StanzaError bad-request; feature-not-implemented for a page by its index */
export function readPageRequest(query: Element): PageRequest {
  const sets = childElements(query).filter((it) => it.getName() === 'set' && namespaceOf(it) === NS.resultSet)
  if (sets.length > 1) throw new StanzaError('bad-request', { text: 'There are several result sets.' })
  const [set] = sets
  if (!set) return { max: undefined, after: undefined, before: undefined }
  if (findChild(set, 'index')) throw new StanzaError('feature-not-implemented', { text: 'Pages are asked for by id.' })
  const after = childText(set, 'after')
  if (after === '') throw new StanzaError('bad-request', { text: 'After which one?' })
  return { max: readMax(childText(set, 'max')), after, before: childText(set, 'before') }
}

function readMax(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text.trim())) throw new StanzaError('bad-request', { text: 'The size of a page is a whole number.' })
  return Number(text)
}

export function resultSet({ first, last, index, count }: PageAnswer): Element {
  return element(
    'set',
    { xmlns: NS.resultSet },
    first !== undefined && element('first', { index }, first),
    last !== undefined && element('last', {}, last),
    element('count', {}, count),
  )
}
