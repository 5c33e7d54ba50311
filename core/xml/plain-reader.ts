/** Children of a stream's root that are of the plain form, read past the tokenizer, in as many parts as they come. */
import type { Element, Stanza } from '@beaconfire/plugin-sdk'
import { plainElement, plainStanza } from './plain-child.js'
import { NOT_PLAIN, NOT_WHOLE, StanzaScanner } from './stanza-scanner.js'
import type { ParserLimits } from './stream-parser.js'
import { endOfSpace } from './white-space.js'

/** What is found. Who throws ends the reading. */
export interface PlainReaderEvents {
  stanza(stanza: Stanza): void
  element(el: Element): void
}

/** Parts of one element, which are joined anew for each that has a tag. One that comes in more is not read here. */
const MOST_PARTS = 64

export class PlainReader {
  readonly #events: PlainReaderEvents
  readonly #scanner: StanzaScanner
  #begun = ''
  #parts = 0

  constructor(events: PlainReaderEvents, limits: ParserLimits) {
    this.#events = events
    this.#scanner = new StanzaScanner(limits)
  }

  /** The beginning of an element that is of the plain form as far as it is there; '' when nothing is begun. */
  get begun(): string {
    return this.#begun
  }

  /** @returns where in the text something is not of the plain form, or {@link begun} */
  read(text: string, from: number): number {
    const at = endOfSpace(text, from)
    return this.#handOut(text, at, this.#scan(text, at))
  }

  /**
   * {@link read} of a text that begins with what was {@link begun}.
   * @param part the end of it, which was not there before
   */
  goOn(text: string, part: string): number {
    const end = this.#scanner.resume(text, part)
    if (end === NOT_WHOLE) return this.#keep(text, 0)
    this.#begun = ''
    return this.#handOut(text, 0, end)
  }

  #scan(text: string, at: number): number {
    return at === text.length ? NOT_PLAIN : this.#scanner.scan(text, at)
  }

  /** What has been scanned, and what follows it. */
  #handOut(text: string, begin: number, firstEnd: number): number {
    let at = begin
    let end = firstEnd
    while (end >= 0) {
      const stanza = plainStanza(this.#scanner)
      if (stanza) {
        this.#events.stanza(stanza)
      } else {
        const el = plainElement(this.#scanner)
        if (!el) return at
        this.#events.element(el)
      }
      at = endOfSpace(text, end)
      end = this.#scan(text, at)
    }
    return end === NOT_WHOLE ? this.#keep(text, at) : at
  }

  #keep(text: string, at: number): number {
    this.#parts = this.#begun === '' || at > 0 ? 1 : this.#parts + 1
    this.#begun = this.#parts > MOST_PARTS ? '' : text.slice(at)
    return at
  }
}
