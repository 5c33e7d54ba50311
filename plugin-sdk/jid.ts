/** XMPP addresses (RFC 7622): parsed, prepared and interned once, then compared and written without work. */
import { detachText } from './detach-text.js'
import { prepareDomain } from './domain-name.js'
import { opaqueString, PreparationError, usernameCaseMapped } from './precis.js'
import { TwoGenerationMap } from './two-generation-map.js'

/** The text is no JID; the message names the part and the reason. Answered with `jid-malformed` (RFC 6120 §8.3.3.8). */
export class JidError extends Error {
  override readonly name = 'JidError'
  readonly code = 'jid-malformed'
}

/** RFC 7622 §3.1, in bytes of UTF-8. */
const LONGEST_PART = 1023
/** In UTF-16 units, before preparation: longer text is refused unread. */
const LONGEST_TEXT = 3 * LONGEST_PART + 2
/** Longer texts are not interned, so that a peer's longest addresses cannot fill the memory. */
const LONGEST_INTERNED = 256
const GENERATION_LIMIT = 16_384

/** Process-wide on purpose: it holds no state, only saves preparing the same text again. */
const interned = new TwoGenerationMap<Jid>(GENERATION_LIMIT)

/** `local@domain/resource`. Equal JIDs are usually one object, but only `equals` may be relied upon. */
export class Jid {
  /** '' when absent. */
  readonly local: string
  readonly domain: string
  /** '' when absent. */
  readonly resource: string
  readonly #text: string
  #bare: Jid | undefined

  private constructor(text: string, localLength: number, domainLength: number) {
    const domainStart = localLength === 0 ? 0 : localLength + 1
    const domainEnd = domainStart + domainLength
    this.#text = text
    this.local = text.slice(0, localLength)
    this.domain = text.slice(domainStart, domainEnd)
    this.resource = text.slice(domainEnd + 1)
  }

  /**
   * Parses, prepares and interns.
   * @throws JidError
   */
  static parse(text: string): Jid {
    return interned.get(text) ?? Jid.#prepare(text)
  }

  /** `undefined` for text that is no JID. */
  static tryParse(text: string): Jid | undefined {
    try {
      return Jid.parse(text)
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }

  /**
   * From parts that may still be unprepared; '' or undefined = absent. Interned too.
   * @throws JidError
   */
  static of(local: string | undefined, domain: string, resource?: string): Jid {
    // joined and parsed again, a delimiter in the wrong part would move the border between the parts
    if (local && /[@/]/.test(local)) throw new JidError('localpart: holds a delimiter')
    if (/[@/]/.test(domain)) throw new JidError('domainpart: holds a delimiter')
    return Jid.parse(join(local ?? '', domain, resource ?? ''))
  }

  /** RFC 7622 §3.1: splits at the first slash, then at the first at sign before it. */
  static #prepare(text: string): Jid {
    if (text.length > LONGEST_TEXT) throw new JidError(`longer than ${LONGEST_TEXT} characters`)
    const slash = text.indexOf('/')
    const address = slash < 0 ? text : text.slice(0, slash)
    const at = address.indexOf('@')
    const local = at < 0 ? '' : preparePart('localpart', address.slice(0, at), prepareLocal)
    const domain = preparePart('domainpart', address.slice(at + 1), prepareDomain)
    const resource = slash < 0 ? '' : preparePart('resourcepart', text.slice(slash + 1), prepareResource)
    return Jid.#intern(text, join(local, domain, resource), local.length, domain.length)
  }

  static #intern(text: string, canonical: string, localLength: number, domainLength: number): Jid {
    let jid = text === canonical ? undefined : interned.get(canonical)
    if (!jid) {
      jid = new Jid(detachText(canonical), localLength, domainLength)
      if (canonical.length <= LONGEST_INTERNED) interned.set(jid.#text, jid)
    }
    if (text !== canonical && text.length <= LONGEST_INTERNED) interned.set(detachText(text), jid)
    return jid
  }

  /** Without the resource; `this` when there is none. */
  bare(): Jid {
    if (this.resource === '') return this
    this.#bare ??= Jid.parse(this.#text.slice(0, -this.resource.length - 1))
    return this.#bare
  }

  /**
   * The same account at another resource; '' gives the bare JID.
   * @throws JidError
   */
  withResource(resource: string): Jid {
    return resource === '' ? this.bare() : Jid.parse(`${this.bare().#text}/${resource}`)
  }

  get isBare(): boolean {
    return this.resource === ''
  }

  get isFull(): boolean {
    return this.resource !== ''
  }

  equals(other: Jid): boolean {
    return this === other || this.#text === other.#text
  }

  toString(): string {
    return this.#text
  }

  toJSON(): string {
    return this.#text
  }
}

function join(local: string, domain: string, resource: string): string {
  const address = local === '' ? domain : `${local}@${domain}`
  return resource === '' ? address : `${address}/${resource}`
}

function preparePart(part: string, text: string, prepare: (text: string) => string): string {
  if (text === '') throw new JidError(`${part}: is empty`)
  const prepared = explain(part, text, prepare)
  // UTF-8 takes at most three bytes a UTF-16 unit, so most parts need no counting
  if (prepared.length * 3 > LONGEST_PART && Buffer.byteLength(prepared) > LONGEST_PART) {
    throw new JidError(`${part}: longer than ${LONGEST_PART} bytes`)
  }
  return prepared
}

function explain(part: string, text: string, prepare: (text: string) => string): string {
  try {
    return prepare(text)
  } catch (error) {
    if (error instanceof PreparationError) throw new JidError(`${part}: ${error.message}`, { cause: error })
    throw error
  }
}

/** The ASCII that preparation allows in a localpart; a code point beyond the table reads as `undefined`. */
const PLAIN_LOCAL = Uint8Array.from({ length: 128 }, (_, code) =>
  code > 32 && code < 127 && !`"&'/:<>@`.includes(String.fromCharCode(code)) ? 1 : 0,
)

function prepareLocal(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (PLAIN_LOCAL[text.charCodeAt(i)] !== 1) return usernameCaseMapped(text)
  }
  return text.toLowerCase()
}

function prepareResource(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 32 || code > 126) return opaqueString(text)
  }
  return text
}
