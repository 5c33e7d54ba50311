/** What a stream is read to, for the tests of its parser. */
import assert from 'node:assert/strict'
import { NS } from '@beaconfire/plugin-sdk'
import { StreamError } from '../stream/stream-error.js'
import { type ParserLimits, StreamParser } from './stream-parser.js'

export const LIMITS: ParserLimits = { stanzaBytes: 10_000, depth: 8, attributes: 10 }
export const OPEN = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS.streams}' to='localhost' version='1.0'>`

/** What came out, as text, the error last. */
export function read(chunks: readonly (string | Uint8Array)[], limits: ParserLimits = LIMITS): string[] {
  const seen: string[] = []
  const parser = new StreamParser(
    {
      streamOpen: ({ name, namespace, contentNamespace, attributes }) => {
        seen.push(`open ${name} ${namespace} ${contentNamespace} ${JSON.stringify(attributes)}`)
      },
      // As a tree: the text of a stanza of the plain form is written again as it came, with the quotes it had.
      stanza: (stanza) => seen.push(`stanza ${stanza.element.toString()}`),
      element: (el) => seen.push(`element ${el.getNS()} ${el.toString()}`),
      streamClose: () => seen.push('close'),
    },
    limits,
  )
  try {
    for (const chunk of chunks) parser.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  } catch (error) {
    assert.ok(error instanceof StreamError, String(error))
    assert.throws(
      () => parser.write(Buffer.from('<presence/>')),
      (again) => again === error,
    )
    seen.push(`error ${error.condition}`)
  }
  return seen
}
