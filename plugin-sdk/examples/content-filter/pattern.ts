/**
 * A pattern is one word or several in a row; `*` in a word stands for any run of letters, also none. There are no free
 * regular expressions: one that takes exponential time is easily written, and then any peer can stop the server with it.
 */
import { fold, type Word, wordsOf } from './words.js'

export const LONGEST_PATTERN = 100
const MOST_WORDS = 8
const MOST_STARS = 4

/** A pattern that cannot be used; the message says why. */
export class PatternRefused extends Error {
  override readonly name = 'PatternRefused'
}

/** One word of a pattern. */
export interface WordPattern {
  readonly text: string
  /** What stands between the stars; one part means there is no star. */
  readonly parts: readonly string[]
}

/** @throws PatternRefused */
export function parsePattern(text: string): WordPattern[] {
  const folded = fold(text)
  const words = folded.split(/\s+/u).filter((word) => word !== '')
  if (words.length === 0) throw new PatternRefused('a pattern needs a word')
  // Folding can make a text longer.
  if (folded.length > LONGEST_PATTERN) throw new PatternRefused(`a pattern has ${LONGEST_PATTERN} characters at most`)
  if (words.length > MOST_WORDS) throw new PatternRefused(`a pattern has ${MOST_WORDS} words at most`)
  return words.map(parseWord)
}

function parseWord(word: string): WordPattern {
  const text = word.replace(/\*+/g, '*')
  const parts = text.split('*')
  const letters = parts.filter((part) => part !== '')
  if (letters.length === 0) throw new PatternRefused('a word of a pattern needs a letter or digit: * alone would match every word')
  if (parts.length - 1 > MOST_STARS) throw new PatternRefused(`a word of a pattern has ${MOST_STARS} * at most`)
  for (const part of letters) {
    const [only, another] = wordsOf(part)
    if (another || only?.folded !== part) throw new PatternRefused(`"${part}" can never match: words are of letters and digits alone, besides *`)
  }
  return { text, parts }
}

/** Text that is the same for patterns that match the same. */
export function canonical(pattern: readonly WordPattern[]): string {
  return pattern.map((word) => word.text).join(' ')
}

/** True when the words from `at` on are those of the pattern. */
export function matchesAt(pattern: readonly WordPattern[], words: readonly Word[], at: number): boolean {
  if (at + pattern.length > words.length) return false
  return pattern.every((it, i) => matchesWord(it, (words[at + i] as Word).folded))
}

/** Leftmost is right for every part, so nothing is ever tried again. */
function matchesWord({ text, parts }: WordPattern, word: string): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return word === text
  if (word.length < text.length - rest.length - 1 || !word.startsWith(first) || !word.endsWith(last)) return false
  let at = first.length
  const end = word.length - last.length
  for (const part of rest) {
    const found = word.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
