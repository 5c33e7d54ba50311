import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Utf8Decoder } from './utf8-decoder.js'

function decodeCut(bytes: Uint8Array, cuts: readonly number[]): { text: string; isBroken: boolean } {
  const decoder = new Utf8Decoder()
  const ends = [...cuts.map((it) => it % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  let text = ''
  let from = 0
  for (const end of ends) {
    if (decoder.isBroken) break
    text += decoder.decode(bytes.subarray(from, end))
    from = end
  }
  return { text, isBroken: decoder.isBroken || decoder.carriedBytes > 0 }
}

/** What the platform's strict decoder makes of the longest valid beginning. */
function expected(bytes: Uint8Array): { text: string; isBroken: boolean } {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (let end = bytes.length; end >= 0; end--) {
    try {
      return { text: strict.decode(bytes.subarray(0, end)), isBroken: end < bytes.length }
    } catch (error) {
      assert.ok(error instanceof TypeError)
    }
  }
  return assert.fail('nothing is always valid')
}

test('text comes out the same however its bytes are cut', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 6 })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), cuts, (text, at) => {
      assert.deepEqual(decodeCut(new TextEncoder().encode(text), at), { text, isBroken: false })
    }),
  )
})

test('bytes that are no UTF-8 are found, and only what came before them is text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xff],
      [0x80],
      [0xe2, 0x82],
      [0xf8, 0x88],
      [0xc3, 0xa4],
      [0xf0, 0x9f, 0x94, 0xa5],
    ),
    fc.array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength: 4 }),
  )
  const bytes = fc.array(piece, { maxLength: 8 }).map((pieces) => Uint8Array.from(pieces.flat()))
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 6 }), (all, at) => {
      assert.deepEqual(decodeCut(all, at), expected(all))
    }),
    { numRuns: 500 },
  )
})
