/** Paging (XEP-0059) as XEP-0313 uses it: by archive ids, which need not be at hand. */
import { type Element, element, NS, type PageRequest, readPageRequest, StanzaError } from '@beaconfire/plugin-sdk'

export interface PageAnswer {
  readonly first: string | undefined
  readonly last: string | undefined
  /** How many are before `first`, where that is known. */
  readonly index: number | undefined
  readonly count: number
}

const FIRST_PAGE: PageRequest = { max: undefined, after: undefined, before: undefined, index: undefined }

/** @throws StanzaError bad-request; feature-not-implemented for a page by its index (XEP-0059 §2.6) */
export function readArchivePage(query: Element): PageRequest {
  const page = readPageRequest(query) ?? FIRST_PAGE
  if (page.index !== undefined) throw new StanzaError('feature-not-implemented', { text: 'Pages are asked for by id.' })
  if (page.after === '') throw new StanzaError('bad-request', { text: 'After which one?' })
  return page
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
