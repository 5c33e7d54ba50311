import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acknowledgement, failed, resumed } from './management-elements.js'

const AROUND_THE_WRAP = [
  [2 ** 32 - 1, '4294967295'],
  [2 ** 32, '0'],
  [2 ** 32 + 3, '3'],
  [3 * 2 ** 32 + 7, '7'],
] as const

test('what the server has handled is told in counts that begin again after 2^32 - 1 (XEP-0198 §4)', () => {
  for (const [handled, h] of AROUND_THE_WRAP) {
    assert.match(acknowledgement(handled), new RegExp(` h='${h}'`))
    assert.equal(resumed('id', handled).attrs.h, h)
    assert.equal(failed('item-not-found', handled).attrs.h, h)
  }
})
