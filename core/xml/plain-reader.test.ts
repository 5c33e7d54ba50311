import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { LIMITS, read } from './stream-parser.fixture.js'
import type { ParserLimits } from './stream-parser.js'
import { Tokenizer } from './tokenizer.js'

/** Characters that were read strictly, after a header of the plain form. */
function strictly(t: TestContext, chunks: readonly Uint8Array[], limits?: ParserLimits): number {
  const strict = t.mock.method(Tokenizer.prototype, 'write')
  const plainHeader = `<stream:stream xmlns='jabber:client' xmlns:stream='${NS.streams}' to='localhost' version='1.0'>`
  const seen = read([plainHeader, ...chunks], limits)
  strict.mock.restore()
  assert.deepEqual(seen, read([plainHeader, Buffer.concat(chunks)], limits))
  return strict.mock.calls.reduce((sum, { arguments: [text] }) => sum + String(text).length, 0)
}

function inParts(text: string, count: number): readonly Uint8Array[] {
  const bytes = Buffer.from(text)
  return Array.from({ length: count }, (_, at) => bytes.subarray((at * bytes.length) / count, ((at + 1) * bytes.length) / count))
}

test('stanzas of the plain form need no tokenizer wherever they are cut', (t) => {
  const stanzas = Array.from({ length: 100 }, (_, at) => `<message to='a@b' id='${at}'><body>ä${at}</body></message>`)
  assert.equal(strictly(t, inParts(stanzas.join(''), 37)), 0)
  const large = `<message to='a@b'><body>${'x'.repeat(200_000)}</body></message>`
  assert.equal(strictly(t, inParts(large, 15), { ...LIMITS, stanzaBytes: 262_144 }), 0)
})

test('a stanza in very many parts is given to the tokenizer', (t) => {
  const stanza = `<message to='a@b'><body>${'x'.repeat(500)}</body></message>`
  assert.ok(strictly(t, inParts(stanza, stanza.length)) >= stanza.length)
})

test('what follows a stanza that was cut and not of the plain form is of the plain form again', (t) => {
  const stanzas = Array.from({ length: 100 }, (_, at) => `<message to='a@b' id='${at}'><body>${at === 20 ? '&#228;' : 'ä'}${at}</body></message>`)
  const written = strictly(t, inParts(stanzas.join(''), 5))
  assert.ok(written > 0 && written < 600, `${written} characters were read strictly`)
})
