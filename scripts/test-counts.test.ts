import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addCounts, countsOf, NO_COUNTS } from './test-counts.js'

test('the closing lines of the spec reporter are read, coloured or not', () => {
  const output = '✔ a (1ms)\n\u001b[34mℹ tests 9\u001b[39m\nℹ pass 4\nℹ fail 2\nℹ cancelled 1\nℹ skipped 1\nℹ todo 1\n'
  assert.deepEqual(countsOf(output), { passed: 4, failed: 3, skipped: 2 })
})

test('the closing lines of a run inside a test do not count', () => {
  const output = 'ℹ pass 100\nℹ fail 100\n✔ runs the runner\nℹ pass 1\nℹ fail 0\n'
  assert.deepEqual(countsOf(output), { passed: 1, failed: 0, skipped: 0 })
})

test('a process that printed no closing lines has no counts', () => {
  assert.deepEqual(addCounts(countsOf('SyntaxError: Unexpected token'), NO_COUNTS), NO_COUNTS)
})
