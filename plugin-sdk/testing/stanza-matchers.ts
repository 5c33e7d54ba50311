/** Tests of elements, to be given to `receive`, `receiveNothing` and whatever else takes one. */
import { type Element, parseElement } from '../index.js'
import { isLike, type MatchOptions } from './stanza-difference.js'

/** A test of an element that can say what it looks for. */
export interface StanzaMatcher {
  (el: Element): boolean
  readonly pattern: Element
  readonly options: MatchOptions
}

/**
 * Matches what has at least this: `stanzaLike('<message from="romeo@test/a"><body>*</body></message>')`. `*` is any value or text;
 * other attributes and children may be there.
 * @param options.extras false where there may be nothing else
 */
export function stanzaLike(pattern: string | Element, options: MatchOptions = { extras: true }): StanzaMatcher {
  const wanted = typeof pattern === 'string' ? parseElement(pattern) : pattern
  return Object.assign((el: Element) => isLike(el, wanted, options), { pattern: wanted, options })
}

export function isStanzaMatcher(wanted: unknown): wanted is StanzaMatcher {
  return typeof wanted === 'function' && 'pattern' in wanted && 'options' in wanted
}
