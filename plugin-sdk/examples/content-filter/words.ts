/** Cuts text into words, and folds each so that one spelling stands for many. Linear in the length of the text. */

/** Letters, digits, marks; invisible format characters too, or one between two letters would hide a word. */
const WORD = /[\p{L}\p{N}\p{M}\p{Cf}_]+/gu
const INVISIBLE = /\p{Cf}+/gu

export interface Word {
  /** As it is compared. */
  readonly folded: string
  /** Where it stands in the text, in UTF-16 units. */
  readonly start: number
  readonly end: number
}

export function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const { 0: found, index } of text.matchAll(WORD)) {
    const folded = fold(found)
    if (folded !== '') words.push({ folded, start: index, end: index + found.length })
  }
  return words
}

/** Case, width and compatibility forms (Unicode NFKC) make no difference. */
export function fold(text: string): string {
  return text.replace(INVISIBLE, '').normalize('NFKC').toLowerCase().normalize('NFC')
}
