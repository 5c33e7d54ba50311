/**
 * Reads children of the stream of the plain form nearly all have, without building a tree: ASCII names without prefix, attributes without
 * references, text with the five entities at most, no CDATA. Whatever is not of that form is left to the strict parser. It never accepts
 * what that one refuses: each rule below is a subset of XML 1.0 and Namespaces in XML.
 */
import type { ParserLimits } from './stream-parser.js'

const [TAB, LF, SPACE, QUOT, AMP, APOS, HYPHEN, SLASH, SEMICOLON, LT, EQ, GT, RBRACKET] = [9, 10, 32, 34, 38, 39, 45, 47, 59, 60, 61, 62, 93] as const

/** The scan failed: not of the plain form. */
export const NOT_PLAIN = -1
/** Of the plain form as far as it is there. */
export const NOT_WHOLE = -2

/** In characters. A tag that is cut is read again with each part of it: a longer one is left to the strict parser. */
const LONGEST_CUT_TAG = 4096
/** The one prefixed name of the plain form. */
const LANG = 'xml:lang'
const ENTITIES = ['lt;', 'gt;', 'amp;', 'quot;', 'apos;']

/** Attributes of one element beyond which comparing each with each other is left to the strict parser. */
const MAX_PLAIN_ATTRIBUTES = 12

/** A child of the stanza: where it stands in the stanza's inner text. */
export interface ScannedChild {
  readonly name: string
  /** Its own `xmlns`; undefined where it is in the stanza's namespace. */
  readonly namespace: string | undefined
  /** Its content, between its tags; equal for an empty element. */
  readonly start: number
  readonly end: number
  /** True when the content is text alone. */
  readonly isText: boolean
}

type OpenChild = { -readonly [Key in Exclude<keyof ScannedChild, 'end'>]: ScannedChild[Key] }

export class StanzaScanner {
  /** Of what was found last: a stanza, or another element. */
  name = ''
  /** Its own `xmlns`; undefined where it is in the stream's. */
  namespace: string | undefined
  attributes: Record<string, string> = {}
  inner = ''
  children: ScannedChild[] = []

  readonly #limits: ParserLimits
  #text = ''
  /** Where the element begins. */
  #start = 0
  /** Behind its start tag; -1 until that is read. */
  #innerStart = -1
  /** The child of it that is being read. */
  #child: OpenChild | undefined
  /** Where {@link resume} goes on, in the start of a tag or in text. */
  #resumeAt = 0
  /** Names of open elements, as offsets into the text: start, end, start, end… */
  readonly #open: number[] = []
  /** Names of the attributes of the tag being read, likewise. */
  readonly #names: number[] = []
  #isTopLevel = false
  /** Of the tag being read. */
  #declared: string | undefined

  constructor(limits: ParserLimits) {
    this.#limits = limits
  }

  /**
   * @param start a place directly below the stream's root
   * @returns where the element ends, {@link NOT_PLAIN} or {@link NOT_WHOLE}
   */
  scan(text: string, start: number): number {
    if (text.charCodeAt(start) !== LT) return NOT_PLAIN
    this.#open.length = 0
    this.attributes = {}
    this.children = []
    this.#start = start
    this.#innerStart = -1
    this.#child = undefined
    this.#text = text
    const end = this.#scanStart(start)
    this.#text = ''
    return end
  }

  /**
   * Goes on with an element that was {@link NOT_WHOLE}, where it stopped.
   * @param text from the beginning of the element on
   * @param part the end of it, which was not there before
   * @returns as {@link scan} does
   */
  resume(text: string, part: string): number {
    if (this.#innerStart === -1) return this.scan(text, 0)
    this.#moveToStart()
    if (this.#isMoreText(part, text.length - part.length)) return NOT_WHOLE
    this.#text = text
    const end = this.#scanInner(this.#resumeAt)
    this.#text = ''
    return end
  }

  /** Nothing but text follows on text: the whole is not touched, for that would join its parts, which costs a copy of all of them. */
  #isMoreText(part: string, before: number): boolean {
    if (this.#resumeAt !== before || part.includes('<')) return false
    this.#text = part
    const isText = this.#scanText(0, part.length) === NOT_WHOLE
    this.#resumeAt = isText ? before + this.#resumeAt : before
    return isText
  }

  /** What was found so far is counted from the beginning of the element. */
  #moveToStart(): void {
    const moved = this.#start
    if (moved === 0) return
    for (let at = 0; at < this.#open.length; at++) (this.#open[at] as number) -= moved
    this.#innerStart -= moved
    this.#resumeAt -= moved
    this.#start = 0
  }

  #scanStart(start: number): number {
    this.#isTopLevel = true
    const at = this.#scanTag(start)
    if (at < 0) return at === NOT_WHOLE ? this.#pause(start, undefined) : NOT_PLAIN
    this.#isTopLevel = false
    const text = this.#text
    this.name = text.slice(this.#open[0], this.#open[1])
    this.namespace = this.#declared
    if (text.charCodeAt(at - 2) === SLASH) {
      this.inner = ''
      return at
    }
    this.#innerStart = at
    return this.#scanInner(at)
  }

  /** What is between the start tag and the end tag, and that. */
  #scanInner(from: number): number {
    const text = this.#text
    const { length } = text
    const open = this.#open
    const innerStart = this.#innerStart
    let child = this.#child
    let at = from
    for (;;) {
      at = this.#scanText(at, length)
      if (at === NOT_WHOLE) return this.#pause(this.#resumeAt, child)
      if (at === NOT_PLAIN) return NOT_PLAIN
      if (at + 1 >= length) return this.#pause(at, child)
      if (text.charCodeAt(at + 1) === SLASH) {
        const tagStart = at
        at = this.#scanEndTag(at + 2)
        if (at < 0) return at === NOT_WHOLE ? this.#pause(tagStart, child) : NOT_PLAIN
        if (open.length === 0) {
          this.inner = text.slice(innerStart, tagStart)
          return at
        }
        if (open.length === 2 && child) {
          this.children.push({ name: child.name, namespace: child.namespace, start: child.start, end: tagStart - innerStart, isText: child.isText })
          child = undefined
        }
        continue
      }
      if (child) child.isText = false
      const tagStart = at
      const depth = open.length
      at = this.#scanTag(at)
      if (at < 0) {
        open.length = depth
        return at === NOT_WHOLE ? this.#pause(tagStart, child) : NOT_PLAIN
      }
      const isEmpty = text.charCodeAt(at - 2) === SLASH
      if (isEmpty) {
        const nameEnd = open.pop() as number
        const nameStart = open.pop() as number
        if (open.length === 2) {
          const position = at - innerStart
          this.children.push({ name: text.slice(nameStart, nameEnd), namespace: this.#declared, start: position, end: position, isText: true })
        }
      } else if (open.length === 4) {
        child = { name: text.slice(tagStart + 1, open[3]), namespace: this.#declared, start: at - innerStart, isText: true }
      }
    }
  }

  #pause(at: number, child: OpenChild | undefined): number {
    if (this.#text.length - at > LONGEST_CUT_TAG) return NOT_PLAIN
    this.#resumeAt = at
    this.#child = child
    return NOT_WHOLE
  }

  /** @returns where the next `<` stands; where it is not whole {@link #resumeAt} says where to go on */
  #scanText(from: number, length: number): number {
    const text = this.#text
    for (let at = from; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code === LT) return at
      if (code > RBRACKET) {
        if (code > 0xfffd) return NOT_PLAIN
      } else if (code === AMP) {
        const end = this.#scanEntity(at + 1)
        if (end < 0) {
          this.#resumeAt = at
          return end
        }
        at = end
      } else if (code === RBRACKET ? text.charCodeAt(at + 1) === RBRACKET : code < SPACE && code !== LF && code !== TAB) {
        return NOT_PLAIN
      }
    }
    // A bracket may be the first of those that end CDATA.
    this.#resumeAt = text.charCodeAt(length - 1) === RBRACKET ? Math.max(from, length - 1) : length
    return NOT_WHOLE
  }

  /** One of the five (XML 1.0 §4.6). @returns where its `;` stands */
  #scanEntity(at: number): number {
    const text = this.#text
    const name = text.slice(at, at + 5)
    if (name.startsWith('lt;') || name.startsWith('gt;')) return at + 2
    if (name.startsWith('amp;')) return at + 3
    if ((name === 'quot;' || name === 'apos;') && text.charCodeAt(at + 4) === SEMICOLON) return at + 4
    return at + 5 > text.length && ENTITIES.some((it) => it.startsWith(name)) ? NOT_WHOLE : NOT_PLAIN
  }

  /** From the character after `</`. @returns the position after `>` */
  #scanEndTag(from: number): number {
    const text = this.#text
    const nameEnd = this.#open.pop() as number
    const nameStart = this.#open.pop() as number
    const end = from + nameEnd - nameStart
    for (let a = nameStart, b = from; a < nameEnd; a++, b++) {
      if (text.charCodeAt(a) !== text.charCodeAt(b)) return this.#endTagStopped(b, nameStart, nameEnd)
    }
    return text.charCodeAt(end) === GT ? end + 1 : this.#endTagStopped(end, nameStart, nameEnd)
  }

  #endTagStopped(at: number, nameStart: number, nameEnd: number): number {
    this.#open.push(nameStart, nameEnd)
    return this.#stopped(at)
  }

  /** What was expected is not there, or there is nothing yet. */
  #stopped(at: number): number {
    return at >= this.#text.length ? NOT_WHOLE : NOT_PLAIN
  }

  /** From a `<`; the element's name is pushed. @returns the position after `>` */
  #scanTag(from: number): number {
    const text = this.#text
    let at = scanName(text, from + 1)
    if (at === from + 1) return this.#stopped(at)
    this.#open.push(from + 1, at)
    if (this.#open.length > this.#limits.depth * 2) return NOT_PLAIN
    this.#names.length = 0
    this.#declared = undefined
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === GT) return at + 1
      if (code === SLASH) return text.charCodeAt(at + 1) === GT ? at + 2 : this.#stopped(at + 1)
      if (code !== SPACE) return this.#stopped(at)
      while (text.charCodeAt(at) === SPACE) at++
      const next = text.charCodeAt(at)
      if (next === GT || next === SLASH) continue
      at = this.#scanAttribute(at)
      if (at < 0) return at
    }
  }

  /** @returns the position after its closing quote */
  #scanAttribute(start: number): number {
    const text = this.#text
    let nameEnd = scanName(text, start)
    if (text.startsWith(LANG, start)) nameEnd = start + LANG.length
    if (nameEnd === start || text.charCodeAt(nameEnd) !== EQ) return LANG.startsWith(text.slice(start)) ? NOT_WHOLE : this.#stopped(nameEnd)
    const quote = text.charCodeAt(nameEnd + 1)
    if (quote !== QUOT && quote !== APOS) return this.#stopped(nameEnd + 1)
    const valueStart = nameEnd + 2
    const valueEnd = scanValue(text, valueStart, quote)
    if (valueEnd < 0) return valueEnd
    if (this.#isRepeated(start, nameEnd)) return NOT_PLAIN
    const name = text.slice(start, nameEnd)
    if (name === 'xmlns') {
      if (!this.#declareNamespace(text.slice(valueStart, valueEnd))) return NOT_PLAIN
    } else if (this.#isTopLevel) {
      if (name === '__proto__') return NOT_PLAIN
      this.attributes[name] = text.slice(valueStart, valueEnd)
    }
    return valueEnd + 1
  }

  /** Idle declarations and reserved names are left to the strict parser. */
  #declareNamespace(namespace: string): boolean {
    if (namespace === 'jabber:client') return this.#isTopLevel
    if (namespace === '' || namespace.startsWith('http://www.w3.org/')) return false
    this.#declared = namespace
    return true
  }

  #isRepeated(start: number, end: number): boolean {
    const names = this.#names
    const text = this.#text
    for (let i = 0; i < names.length; i += 2) {
      const other = names[i] as number
      if ((names[i + 1] as number) - other !== end - start) continue
      let same = 0
      while (same < end - start && text.charCodeAt(other + same) === text.charCodeAt(start + same)) same++
      if (same === end - start) return true
    }
    names.push(start, end)
    return names.length > MAX_PLAIN_ATTRIBUTES * 2 || names.length > this.#limits.attributes * 2
  }
}

/** A letter or `_`, then letters, digits, `_`, `-`, `.`. @returns where it ends; `from` when there is none */
function scanName(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    const isStart = (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
    if (!isStart && (at === from || !((code >= 48 && code <= 57) || code === HYPHEN || code === 46))) return at
    at++
  }
}

/** @returns where the closing quote stands, {@link NOT_PLAIN} or {@link NOT_WHOLE} */
function scanValue(text: string, from: number, quote: number): number {
  const { length } = text
  for (let at = from; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code < SPACE || code === AMP || code === LT || code > 0xfffd) return NOT_PLAIN
  }
  return NOT_WHOLE
}
