/** Internationalised strings (PRECIS, RFC 8264): the two profiles of RFC 8265 that addresses and passwords go by. */
import { toUnicode } from 'tr46'

/** Text that no profile can make usable; the message says why, without repeating the text. */
export class PreparationError extends Error {
  override readonly name = 'PreparationError'
  readonly code = 'text-refused'
}

// RFC 8264 §8 in its order: exceptions, then what is never allowed, then the categories of each class.
const EXCEPTIONS = '\\u00B7\\u0375\\u05F3\\u05F4\\u06FD\\u06FE\\u0F0B\\u3007\\u30FB\\u200C\\u200D'
const EXCEPTIONS_REFUSED = '\\u0640\\u07FA\\u302E\\u302F\\u3031-\\u3035\\u303B'
const OLD_HANGUL_JAMO = '\\u1100-\\u11FF\\uA960-\\uA97C\\uD7B0-\\uD7C6\\uD7CB-\\uD7FB'
const IGNORABLE = '\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}'
const NEVER = `(?![\\u200C\\u200D])[${EXCEPTIONS_REFUSED}${OLD_HANGUL_JAMO}${IGNORABLE}]`
const LETTER_DIGITS = '\\p{Ll}\\p{Lu}\\p{Lo}\\p{Lm}\\p{Nd}\\p{Mn}\\p{Mc}'

const NOT_IDENTIFIER = new RegExp(`[^!-~${EXCEPTIONS}${LETTER_DIGITS}]|${NEVER}`, 'u')
const NOT_FREEFORM = new RegExp(`[^\\p{L}\\p{M}\\p{N}\\p{Zs}\\p{S}\\p{P}\\u200C\\u200D]|${NEVER}`, 'u')

/** RFC 7622 §3.3.1: what a localpart excludes on top of IdentifierClass. */
const NOT_LOCAL = /["&'/:<>@]/

/** RFC 5892 appendix A.3 to A.6: middle dot, keraia, geresh and gershayim, by their neighbours. */
const MISPLACED = /(?<!l)\u00B7|\u00B7(?!l)|\u0375(?!\p{Script=Greek})|(?<!\p{Script=Hebrew})[\u05F3\u05F4]/u
/** Appendix A.7 to A.9: the katakana middle dot and the Arabic digits, by the whole text. */
const KANA_DOT = /\u30FB/
const KANA_OR_HAN = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u
const ARABIC_DIGIT = /[\u0660-\u0669]/
const EXTENDED_ARABIC_DIGIT = /[\u06F0-\u06F9]/
const JOINER = /(\p{L}\p{M}*)?([\u200C\u200D])(?=(\p{M}*\p{L}?))/gu

/** Fullwidth and halfwidth forms. Halfwidth jamo and U+FFE3 stay: their mapping is refused like themselves. */
const WIDTH_VARIANT = /[\u3000\uFF01-\uFF9F\uFFE0-\uFFE2\uFFE4-\uFFE6\uFFE8-\uFFEE]/g

/** Every block that holds characters of bidi class R, AL or AN. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u

/**
 * UsernameCaseMapped (RFC 8265 §3.3) with the exclusions of RFC 7622 §3.3.1: a localpart.
 * @throws PreparationError
 */
export function usernameCaseMapped(text: string): string {
  const narrow = text.replace(WIDTH_VARIANT, (form) => form.normalize('NFKC'))
  refuse(NOT_IDENTIFIER, narrow)
  refuseCompatible(narrow)
  const name = lowerCase(narrow).normalize('NFC')
  assertIdentifier(name)
  refuse(NOT_LOCAL, name)
  if (RIGHT_TO_LEFT.test(name)) assertBidiRule(name)
  return name
}

/**
 * OpaqueString (RFC 8265 §4.2): a resourcepart or a password. Case and width stay as they are.
 * The class is checked last, as RFC 8264 §7 orders, so decomposed Hangul is composed instead of refused.
 * @throws PreparationError
 */
export function opaqueString(text: string): string {
  if (text === '') throw new PreparationError('is empty')
  const opaque = text.replace(/\p{Zs}/gu, ' ').normalize('NFC')
  refuse(NOT_FREEFORM, opaque)
  assertContext(opaque)
  return opaque
}

/**
 * IdentifierClass with its contextual rules (RFC 8264 §4.2), nothing mapped: also what IDNA2008 asks of a U-label.
 * @throws PreparationError
 */
export function assertIdentifier(text: string): void {
  if (text === '') throw new PreparationError('is empty')
  refuse(NOT_IDENTIFIER, text)
  refuseCompatible(text)
  assertContext(text)
}

function refuse(forbidden: RegExp, text: string): void {
  const found = forbidden.exec(text)
  if (found) throw new PreparationError(`${codePoint(found[0])} is not allowed`)
}

/** HasCompat (RFC 8264 §9.17), per code point: a whole decomposed string differs from its NFKC without fault. */
function refuseCompatible(text: string): void {
  for (const character of text) {
    if (character.normalize('NFKC') !== character) {
      throw new PreparationError(`${codePoint(character)} is a compatibility form`)
    }
  }
}

function assertContext(text: string): void {
  refuse(MISPLACED, text)
  if (!KANA_OR_HAN.test(text)) refuse(KANA_DOT, text)
  if (ARABIC_DIGIT.test(text)) refuse(EXTENDED_ARABIC_DIGIT, text)
  for (const [, before, joiner = '', after = ''] of text.matchAll(JOINER)) {
    if (before === undefined || !mayJoin(before + joiner + after)) {
      throw new PreparationError(`${codePoint(joiner)} joins nothing`)
    }
  }
}

/** RFC 5892 A.1, A.2. Viramas and joining types are no regex property; the IDNA tables have them for the same rule. */
function mayJoin(surroundings: string): boolean {
  return !toUnicode(surroundings, { checkJoiners: true }).error
}

/** RFC 5893 §2, by the IDNA tables. A full stop would end the label there; a comma has the same bidi class. */
function assertBidiRule(text: string): void {
  if (toUnicode(text.replaceAll('.', ','), { checkBidi: true }).error) {
    throw new PreparationError('mixes writing directions')
  }
}

/** Each code point alone: RFC 7622 §3.5 wants no final sigma from its place in the word, as `Σ` must match `σ`. */
function lowerCase(text: string): string {
  return text.replace(/\P{Ll}/gu, (character) => character.toLowerCase())
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
