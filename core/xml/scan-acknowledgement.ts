/** Reads `<r/>` and `<a/>` of XEP-0198 in the form nearly all clients write, which come about as often as stanzas, without a tokenizer. */
import { Element, NS } from '@beaconfire/plugin-sdk'

/** Each step takes at least one character and none is looked at twice, so that the time is linear. */
const PLAIN = new RegExp(
  `<(?:(r) xmlns=["']${NS.streamManagement}["']|(a) (?:xmlns=["']${NS.streamManagement}["'] h=["'](\\d{1,10})["']|h=["'](\\d{1,10})["'] xmlns=["']${NS.streamManagement}["'])) ?/>`,
  'y',
)
const LETTER_A = 97
const LETTER_R = 114
const SPACE = 32

/** @returns the element and where it ends; undefined when there is none, or one that is left to the strict parser */
export function scanAcknowledgement(text: string, at: number): { readonly element: Element; readonly end: number } | undefined {
  const letter = text.charCodeAt(at + 1)
  if ((letter !== LETTER_A && letter !== LETTER_R) || text.charCodeAt(at + 2) !== SPACE) return undefined
  PLAIN.lastIndex = at
  const found = PLAIN.exec(text)
  if (!found || mixesQuotes(found[0])) return undefined
  const xmlns = NS.streamManagement
  const [, request, , h = found[4]] = found
  return { element: request ? new Element('r', { xmlns }) : new Element('a', { xmlns, h }), end: PLAIN.lastIndex }
}

/** A value begins and ends with the same quote: where both kinds stand it is for the strict parser to say. */
function mixesQuotes(text: string): boolean {
  return text.includes('"') && text.includes("'")
}
