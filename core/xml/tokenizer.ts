/** saxes as this server uses it: XML 1.0 with namespaces, every complaint and everything RFC 6120 §11.1 restricts thrown at once. */
import { SaxesParser, type SaxesTagNS } from 'saxes'
import { StreamError } from '../stream/stream-error.js'
import { checkDeclaration, faultOf } from './parse-fault.js'

export interface TokenizerEvents {
  /** The tag is whole, its namespaces are resolved. */
  openTag(tag: SaxesTagNS): void
  closeTag(): void
  /** A run of text, or a CDATA section. */
  text(value: string): void
  /** Something is wrong. @returns what is thrown */
  fault(error: StreamError): StreamError
}

const OPTIONS = { xmlns: true, position: false, defaultXMLVersion: '1.0', forceXMLVersion: true } as const

/** A call that throws leaves it unusable. `position` is right only while it calls an event. */
export class Tokenizer extends SaxesParser<typeof OPTIONS> {
  readonly #events: TokenizerEvents

  constructor(events: TokenizerEvents) {
    super(OPTIONS)
    this.#events = events
    const text = (value: string) => events.text(value)
    // `on` would store these by computed key, and from the seventh on V8 keeps the object as a hash table: five times slower.
    Object.assign(this, {
      openTagHandler: (tag: SaxesTagNS) => events.openTag(tag),
      closeTagHandler: () => events.closeTag(),
      textHandler: text,
      cdataHandler: text,
      xmldeclHandler: checkDeclaration,
      doctypeHandler: refuse,
      commentHandler: refuse,
      piHandler: refuse,
    })
  }

  /** saxes reads a reference to its semicolon, which may never come: one that cannot be whole any more is refused at once. */
  override write(chunk: string): this {
    super.write(chunk)
    const { entity } = this as unknown as Internals
    if (entity !== '' && NO_PART_OF_A_REFERENCE.test(entity)) {
      this.fail(entity.startsWith('#') ? 'malformed character entity.' : 'disallowed character in entity name.')
    }
    return this
  }

  override fail(complaint: string): never {
    throw this.#events.fault(faultOf(complaint))
  }
}

const NO_PART_OF_A_REFERENCE = /[\s<>&"'/=]/

/** What saxes keeps to itself. */
interface Internals {
  readonly name: string
  /** What was read of a reference that has not ended; '' when none has begun. */
  readonly entity: string
  readonly tags: readonly SaxesTagNS[]
  closeTag(): void
  fail(complaint: string): never
}

const inherited = SaxesParser.prototype as unknown as Internals

// saxes tells that an element has ended before it compares the names of its tags: half a stanza would be handed out.
Object.defineProperty(Tokenizer.prototype, 'closeTag', {
  value(this: Internals): void {
    const open = this.tags[this.tags.length - 1]
    if (open !== undefined && open.name !== this.name) this.fail('unexpected close tag.')
    inherited.closeTag.call(this)
  },
})

function refuse(): never {
  throw new StreamError('restricted-xml')
}
