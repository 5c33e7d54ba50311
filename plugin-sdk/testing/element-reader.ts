/** Reads the elements of a stream as a client sees them. Own code on purpose: a peer that shares core's parser shares its mistakes. */
import { SaxesParser } from 'saxes'
import { Element, NS } from '../index.js'

export interface ElementReaderEvents {
  /** The start tag of the stream itself. */
  header(attributes: Readonly<Record<string, string>>): void
  /** A whole child of the stream. */
  element(el: Element): void
  /** `</stream:stream>` */
  end(): void
}

/** One stream header's worth: a restarted stream (RFC 6120 §4.3.3) needs a new reader. */
export class ElementReader {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #parser = new SaxesParser({ xmlns: true, position: false })
  readonly #events: ElementReaderEvents
  #depth = 0
  #current: Element | undefined

  constructor(events: ElementReaderEvents) {
    this.#events = events
    this.#parser.on('error', (error) => {
      throw error
    })
    this.#parser.on('opentag', (tag) => this.#open(tag))
    this.#parser.on('closetag', () => this.#close())
    this.#parser.on('text', (text) => void this.#current?.t(text))
    this.#parser.on('cdata', (text) => void this.#current?.t(text))
  }

  /** @throws when the server sent bytes that are no UTF-8 or no well-formed XML */
  write(chunk: Uint8Array): void {
    this.#parser.write(this.#decoder.decode(chunk, { stream: true }))
  }

  #open(tag: { name: string; prefix: string; uri: string; attributes: Record<string, { value: string }> }): void {
    this.#depth++
    const attributes: Record<string, string> = {}
    for (const name in tag.attributes) attributes[name] = tag.attributes[name]?.value ?? ''
    if (this.#depth === 1) {
      this.#events.header(attributes)
      return
    }
    const opened = new Element(tag.name, attributes)
    // What the stream's start tag declared must stand on the element itself, which outlives its place.
    const declaration = tag.prefix === '' ? 'xmlns' : `xmlns:${tag.prefix}`
    if (this.#depth === 2 && tag.uri !== NS.client && !(declaration in attributes)) opened.attrs[declaration] = tag.uri
    this.#current?.cnode(opened)
    this.#current = opened
  }

  #close(): void {
    this.#depth--
    const closed = this.#current
    this.#current = closed?.parent ?? undefined
    if (this.#depth === 1 && closed) this.#events.element(closed)
    if (this.#depth === 0) this.#events.end()
  }
}
