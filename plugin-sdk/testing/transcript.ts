/**
 * A conversation as it was: who said what, in order. `C:` is what a client said, `S:` what the server said to it. It is printed when a
 * test wants to see what went on, and compared with one that the test wrote down.
 */
import { AssertionError } from 'node:assert'
import { childElements, type Element, NS, namespaceOf, parseElement } from '../index.js'
import { differenceOf, isLike, type MatchOptions } from './stanza-difference.js'
import type { TestClient } from './test-client.js'

export interface TranscriptLine {
  /** Name the client has in the transcript. */
  readonly client: string
  readonly by: 'C' | 'S'
  readonly stanza: Element
}

const LINE = /^([^\s:]+)\s+([CS]):\s*(.*)$/

export class Transcript {
  readonly lines: TranscriptLine[] = []
  readonly #stops: (() => void)[] = []

  /** @param clients by the names they shall have in it; what they say and hear from now on is written down */
  constructor(clients: Readonly<Record<string, TestClient>>) {
    for (const [name, client] of Object.entries(clients)) this.#follow(name, client)
  }

  /** Writes nothing more down. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  clear(): void {
    this.lines.splice(0)
  }

  /** One line each: `romeo C: <message to="juliet@test">…`. */
  toString(): string {
    const width = Math.max(0, ...this.lines.map((it) => it.client.length))
    return this.lines.map((it) => `${it.client.padEnd(width)} ${it.by}: ${it.stanza.toString()}`).join('\n')
  }

  /**
   * Compares each client's part with that of `expected`, line by line: which of two clients was heard first is up to their sockets.
   * Ends with the transcript, so that what came besides is a difference. Let the clients `sync` before.
   * @param expected lines as {@link toString} prints them; blank ones, and what begins with `#`, are skipped; `*` is any value or text
   * @throws AssertionError with the difference of the first stanzas that differ, and the whole conversation
   */
  assert(expected: string, options: MatchOptions = {}): void {
    const wanted = parseTranscript(expected)
    for (const client of new Set([...wanted, ...this.lines].map((it) => it.client))) {
      const difference = this.#differenceOf(client, wanted, options)
      if (difference === undefined) continue
      const message = `${client}: ${difference}\n\nThe conversation was:\n${this.toString()}`
      throw new AssertionError({ message, actual: this.toString(), expected, operator: 'transcript', stackStartFn: this.assert })
    }
  }

  #differenceOf(client: string, wanted: readonly TranscriptLine[], options: MatchOptions): string | undefined {
    const [said, expected] = [this.lines, wanted].map((lines) => lines.filter((it) => it.client === client)) as [TranscriptLine[], TranscriptLine[]]
    for (let at = 0; at < Math.max(said.length, expected.length); at++) {
      const [was, want] = [said[at], expected[at]]
      if (!was) return `line ${at + 1} did not come: ${want?.by}: ${want?.stanza}`
      if (!want) return `line ${at + 1} was not to come: ${was.by}: ${was.stanza}`
      if (was.by !== want.by) return `line ${at + 1} is by ${was.by}, was to be by ${want.by}: ${was.stanza}`
      if (!isLike(was.stanza, want.stanza, options)) return `line ${at + 1} is another:\n${differenceOf(was.stanza, want.stanza, options)}`
    }
    return undefined
  }

  #follow(name: string, client: TestClient): void {
    const barriers = new Set<string | undefined>()
    const write = (by: 'C' | 'S', stanza: Element) => void this.lines.push({ client: name, by, stanza })
    const stop = client.stream.observe({
      // What a test writes byte by byte, and what ends the stream, is no stanza.
      sent: (stanza) => (isBarrier(stanza) ? void barriers.add(stanza.attrs.id as string | undefined) : write('C', stanza)),
      received: (stanza) => {
        const { id } = stanza.attrs as { id?: string }
        if (stanza.getName() !== 'iq' || !barriers.delete(id)) write('S', stanza)
      },
    })
    this.#stops.push(stop)
  }
}

/** The ping of `sync`: the kit's own, and no part of the conversation. */
function isBarrier(stanza: Element): boolean {
  const [ping] = childElements(stanza)
  return stanza.getName() === 'iq' && ping?.getName() === 'ping' && namespaceOf(ping) === NS.ping
}

/** @throws Error naming a line that is none */
export function parseTranscript(text: string): TranscriptLine[] {
  const lines: TranscriptLine[] = []
  for (const line of text.split('\n').map((it) => it.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [, client, by, xml] = LINE.exec(line) ?? []
    if (client === undefined || xml === undefined) throw new Error(`"${line}" is no line of a transcript; write them as: romeo C: <presence/>`)
    lines.push({ client, by: by as 'C' | 'S', stanza: parseElement(xml) })
  }
  return lines
}
