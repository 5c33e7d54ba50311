import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Matcher } from './matcher.js'
import { canonical, PatternRefused, parsePattern } from './pattern.js'

function matcher(...patterns: string[]): Matcher {
  return new Matcher(patterns.map((pattern, i) => ({ id: i + 1, pattern: parsePattern(pattern) })))
}

const hits = (pattern: string, text: string) => matcher(pattern).first(text) !== undefined

test('a word matches whole words, whatever their case and width, and with invisible characters in it', () => {
  for (const text of ['spam', 'a SPAM!', '(Spam)', 'ｓｐａｍ', 'sp\u200bam', 'sp\u00adam']) assert.ok(hits('spam', text), text)
  for (const text of ['spamming', 'antispam', 's.p.a.m', 'span', '']) assert.ok(!hits('spam', text), text)
  assert.ok(hits('CAFÉ', 'cafe\u0301'))
})

test('a star stands for any run of letters in a word, also none', () => {
  for (const word of ['spam', 'spamming', 'SPAMS']) assert.ok(hits('spam*', word), word)
  for (const word of ['aXbXc', 'abc', 'abbc', 'abcbc']) assert.ok(hits('a*b*c', word), word)
  for (const word of ['ab', 'acb', 'abcd', 'xabc']) assert.ok(!hits('a*b*c', word), word)
  assert.ok(hits('*词*', '没有词语'))
  assert.ok(!hits('spam*', 'spa m'))
  // What a part before took cannot be taken again.
  assert.ok(!hits('ab*ba', 'aba'))
  assert.ok(!hits('a*bb*b', 'abb'))
  assert.ok(hits('a*bb*b', 'abbb'))
})

test('several words match in a row, with anything but words between them', () => {
  for (const text of ['buy now', 'You must Buy,  NOW!', 'buy buy now']) assert.ok(hits('buy n*w', text), text)
  for (const text of ['buy it now', 'buy', 'now buy']) assert.ok(!hits('buy n*w', text), text)
})

test('what matches is masked character by character, overlapping matches as one, and the rest stays', () => {
  const masking = matcher('spam', 'buy now', 'now or never')
  assert.equal(masking.masked('No Spam: buy now or never, ever'), 'No ****: *** *** ** *****, ever')
  assert.equal(masking.masked('nothing here'), undefined)
  assert.equal(matcher('𝔵*').masked('𝔵𝔶 z'), '** z')
})

test('a long text costs time that grows with its length only', () => {
  const stars = matcher('a*a*a*a*b', '*aaaaaaab*', 'a a a a a a a b')
  const start = process.cpuUsage()
  for (const text of ['a'.repeat(250_000), 'a '.repeat(125_000), '\u200b'.repeat(250_000)]) assert.equal(stars.first(text), undefined)
  // Backtracking would take years.
  assert.ok(process.cpuUsage(start).user < 5_000_000)
})

test('a pattern that could never match, would match everything, or is too large is refused', () => {
  for (const pattern of ['', '  ', '*', 'a **', 'a.b', '#spam', 'a*b*c*d*e*f', 'a b c d e f g h i', 'x'.repeat(101), '\ufdfa'.repeat(20)]) {
    assert.throws(() => parsePattern(pattern), PatternRefused, pattern)
  }
  assert.equal(canonical(parsePattern('  Buy   N**W ')), 'buy n*w')
})
