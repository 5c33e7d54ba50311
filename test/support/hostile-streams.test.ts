import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../core/stream/stream-error.js'
import { StreamParser } from '../../core/xml/stream-parser.js'
import { hostileStream } from './hostile-streams.js'

const LIMITS = { stanzaBytes: 65_536, depth: 100, attributes: 100 }

test('whatever a hostile stream holds, the parser ends in a stream error or in peace', () => {
  const refused = new Map<string, number>()
  fc.assert(
    fc.property(hostileStream(), ({ kind, chunks }) => {
      const parser = new StreamParser({ streamOpen() {}, stanza() {}, element() {}, streamClose() {} }, LIMITS)
      if (!refused.has(kind)) refused.set(kind, 0)
      try {
        for (const chunk of chunks) parser.write(chunk)
      } catch (error) {
        assert.ok(error instanceof StreamError, String(error))
        refused.set(kind, (refused.get(kind) ?? 0) + 1)
      }
    }),
    { numRuns: 3000 },
  )
  for (const kind of ['opening: a DTD', 'opening: a giant', 'stanza: too deep', 'bytes: no UTF-8', 'stanza: an entity']) {
    assert.ok((refused.get(kind) ?? 0) > 0, `${kind} was never refused`)
  }
  assert.ok(refused.size >= 25, `${refused.size} kinds`)
})

test('no stream is empty, nor any of its pieces', () => {
  fc.assert(fc.property(hostileStream(), ({ chunks }) => chunks.every((it) => it.length > 0)))
})
