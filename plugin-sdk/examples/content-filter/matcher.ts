/** Finds the patterns of many rules in a text. Plain words are looked up; only patterns whose first word has a `*` are tried one by one. */
import { matchesAt, type WordPattern } from './pattern.js'
import { type Word, wordsOf } from './words.js'

export interface CompiledRule {
  readonly id: number
  readonly pattern: readonly WordPattern[]
}

export interface Match {
  readonly ruleId: number
  /** In UTF-16 units of the text. */
  readonly start: number
  readonly end: number
}

export class Matcher {
  readonly #byFirstWord = new Map<string, CompiledRule[]>()
  readonly #withStar: CompiledRule[] = []
  readonly isEmpty: boolean

  constructor(rules: readonly CompiledRule[]) {
    this.isEmpty = rules.length === 0
    for (const rule of rules) {
      const [first] = rule.pattern
      if (!first) continue
      const group = this.#byFirstWord.get(first.text)
      if (first.parts.length > 1) this.#withStar.push(rule)
      else if (group) group.push(rule)
      else this.#byFirstWord.set(first.text, [rule])
    }
  }

  /** All matches, by where they begin; two may overlap. */
  *matches(text: string): Generator<Match> {
    if (this.isEmpty) return
    const words = wordsOf(text)
    for (let at = 0; at < words.length; at++) {
      const start = words[at] as Word
      for (const rules of [this.#byFirstWord.get(start.folded) ?? [], this.#withStar]) {
        for (const { id, pattern } of rules) {
          if (matchesAt(pattern, words, at)) yield { ruleId: id, start: start.start, end: (words[at + pattern.length - 1] as Word).end }
        }
      }
    }
  }

  first(text: string): Match | undefined {
    const { value } = this.matches(text).next() as IteratorResult<Match, undefined>
    return value
  }

  /** @returns the text with a `*` for each character of what matches, blanks left; undefined when nothing does */
  masked(text: string): string | undefined {
    let written = ''
    let at = 0
    for (const { start, end } of this.matches(text)) {
      if (end <= at) continue
      written += text.slice(at, Math.max(at, start)) + stars(text.slice(Math.max(at, start), end))
      at = end
    }
    return at === 0 ? undefined : written + text.slice(at)
  }
}

function stars(text: string): string {
  return text.replace(/\S/gu, '*')
}
