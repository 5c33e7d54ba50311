import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Jid, JidError } from './jid.js'

function refuses(texts: readonly string[]): void {
  for (const text of texts) {
    assert.throws(() => Jid.parse(text), JidError, JSON.stringify(text))
    assert.equal(Jid.tryParse(text), undefined)
  }
}

function parts(text: string): [string, string, string] {
  const jid = Jid.parse(text)
  return [jid.local, jid.domain, jid.resource]
}

test('the valid examples of RFC 7622 §3.5, table 1', () => {
  assert.deepEqual(parts('juliet@example.com'), ['juliet', 'example.com', ''])
  assert.deepEqual(parts('juliet@example.com/foo'), ['juliet', 'example.com', 'foo'])
  assert.deepEqual(parts('juliet@example.com/foo bar'), ['juliet', 'example.com', 'foo bar'])
  assert.deepEqual(parts('juliet@example.com/foo@bar'), ['juliet', 'example.com', 'foo@bar'])
  assert.deepEqual(parts('foo\\20bar@example.com'), ['foo\\20bar', 'example.com', ''])
  assert.deepEqual(parts('fussball@example.com'), ['fussball', 'example.com', ''])
  assert.deepEqual(parts('fußball@example.com'), ['fußball', 'example.com', ''])
  assert.deepEqual(parts('π@example.com'), ['π', 'example.com', ''])
  assert.deepEqual(parts('Σ@example.com/foo'), ['σ', 'example.com', 'foo'])
  assert.deepEqual(parts('σ@example.com/foo'), ['σ', 'example.com', 'foo'])
  assert.deepEqual(parts('ς@example.com/foo'), ['ς', 'example.com', 'foo'])
  assert.deepEqual(parts('king@example.com/♚'), ['king', 'example.com', '♚'])
  assert.deepEqual(parts('example.com'), ['', 'example.com', ''])
  assert.deepEqual(parts('example.com/foobar'), ['', 'example.com', 'foobar'])
  assert.deepEqual(parts('a.example.com/b@example.net'), ['', 'a.example.com', 'b@example.net'])
})

test('the invalid examples of RFC 7622 §3.5, table 2', () => {
  refuses(['"juliet"@example.com', 'foo bar@example.com', '@example.com/', 'henryⅣ@example.com', '♚@example.com'])
  refuses(['juliet@', '/foobar'])
})

test('a resource may begin with a space: erratum 4560 takes example 18 out of table 2', () => {
  assert.deepEqual(parts('juliet@example.com/ foo'), ['juliet', 'example.com', ' foo'])
})

test('every present part must hold something', () => {
  refuses(['', '@', '/', '@/', '@d', 'd/', 'a@', 'a@/r', '@d/r', 'a@d/', '/r', 'a@.'])
})

test('whitespace, control characters and lone surrogates are refused', () => {
  refuses([' a@d', 'a @d', 'a\u00A0b@d', 'a\u3000b@d', 'a@d ', 'a@ d', 'a@d\n', 'a\n@d', 'a@d/\t', 'a@d/x\0', 'a@d/\x7F'])
  refuses(['a\uD800@d', 'a@d\uD800', 'a@d/\uDC00', 'a@b@c', 'a@d/\u2028'])
})

test('the parts end at the first slash and the first at sign before it', () => {
  assert.deepEqual(parts('d//@//'), ['', 'd', '/@//'])
  assert.deepEqual(parts('a@d/b@c/d'), ['a', 'd', 'b@c/d'])
})

test('IP addresses are domains', () => {
  assert.deepEqual(parts('a@127.0.0.1/r'), ['a', '127.0.0.1', 'r'])
  assert.deepEqual(parts('a@[2001:DB8::1]/r'), ['a', '[2001:db8::1]', 'r'])
  refuses(['a@256.1.1.1', 'a@::1', 'a@[::1'])
})

test('local and domain are case-mapped and narrowed, the resource is not', () => {
  assert.equal(String(Jid.parse('JULIET@Example.COM/Balcony')), 'juliet@example.com/Balcony')
  assert.equal(String(Jid.parse('Ｊｕｌｉｅｔ@ＥＸＡＭＰＬＥ.com/Ｂ')), 'juliet@example.com/Ｂ')
  assert.equal(String(Jid.parse('e\u0301@d./e\u0301')), 'é@d/é')
  assert.equal(String(Jid.parse('a@xn--bcher-kva.example')), 'a@bücher.example')
  assert.deepEqual(parts('a@d/😀\u00A0x'), ['a', 'd', '😀 x'])
})

test('each part holds at most 1023 bytes of UTF-8', () => {
  assert.equal(Jid.parse(`${'a'.repeat(1023)}@d/${'r'.repeat(1023)}`).local.length, 1023)
  assert.equal(Jid.parse(`${'é'.repeat(511)}@d/${'♚'.repeat(341)}`).resource.length, 341)
  refuses([`${'a'.repeat(1024)}@d`, `${'é'.repeat(512)}@d`, `a@d/${'r'.repeat(1024)}`, `a@d/${'♚'.repeat(342)}`])
  refuses([`a@${'d.'.repeat(130)}d`, `a@d/${'r'.repeat(100_000)}`])
})

test('the message names the part and the reason', () => {
  assert.throws(() => Jid.parse('♚@d'), { message: 'localpart: U+265A is not allowed', code: 'jid-malformed', name: 'JidError' })
  assert.throws(() => Jid.parse('a@b_c'), { message: 'domainpart: is not a valid host name' })
  assert.throws(() => Jid.parse('a@d/'), { message: 'resourcepart: is empty' })
})

test('of() joins parts, and no part can hold a delimiter of another', () => {
  assert.equal(String(Jid.of('Romeo', 'Example.com', 'x/y@z')), 'romeo@example.com/x/y@z')
  assert.equal(String(Jid.of(undefined, 'd')), 'd')
  assert.equal(String(Jid.of('', 'd', '')), 'd')
  Jid.parse('a@b/c')
  for (const [local, domain, resource] of [
    ['a@b', 'c'],
    ['a/b', 'c'],
    ['', 'a@b', 'c'],
    ['a', 'b/c'],
    ['a', ''],
    ['', '', 'r'],
  ]) {
    assert.throws(() => Jid.of(local, domain ?? '', resource), JidError)
  }
})

test('bare() and withResource() move between the forms', () => {
  const full = Jid.parse('Romeo@example.com/orchard')
  assert.equal(String(full.bare()), 'romeo@example.com')
  assert.equal(full.bare(), full.bare())
  assert.equal(full.bare().bare(), full.bare())
  assert.deepEqual([full.isFull, full.isBare, full.bare().isFull, full.bare().isBare], [true, false, false, true])
  assert.equal(String(full.withResource('e\u0301/@')), 'romeo@example.com/é/@')
  assert.equal(full.withResource(''), full.bare())
  assert.throws(() => full.withResource('\0'), JidError)
  assert.equal(String(Jid.parse('d/r').bare()), 'd')
})

test('one canonical text is one object while it is remembered', () => {
  assert.equal(Jid.parse('same@d/r'), Jid.parse('SAME@D/r'))
  assert.equal(Jid.parse('same@d'), Jid.of('sAme', 'd'))
  assert.equal(Jid.parse('same@d/r').bare(), Jid.parse('Same@d'))
})

test('equals() compares addresses, not objects', () => {
  const before = Jid.parse('first@d/r')
  assert.ok(before.equals(Jid.parse('First@d/r')))
  assert.ok(!before.equals(Jid.parse('first@d/R')))
  for (let i = 0; i < 40_000; i++) Jid.parse(`user${i}@d`)
  const after = Jid.parse('first@d/r')
  assert.notEqual(after, before, 'a peer that names many addresses makes old ones forgotten')
  assert.ok(after.equals(before))
})

test('a JID in JSON is its text', () => {
  assert.equal(JSON.stringify({ jid: Jid.parse('A@d/R') }), '{"jid":"a@d/R"}')
})

test('the text of a parsed JID parses to the same JID', () => {
  const unit = fc.constantFrom(...Array.from('aAzZ09._-@/\\ "éÉßςΣπאب１ＡⅣ♚😀.:[]'), '\u0301', '\u3002', 'xn--')
  const tricky = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''))
  const part = fc.oneof(tricky, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
  const shaped = fc.tuple(part, fc.oneof(fc.domain(), part), part).map(([l, d, r]) => `${l}@${d}/${r}`)
  let fresh = 0
  fc.assert(
    fc.property(fc.oneof(part, shaped), (text) => {
      const jid = Jid.tryParse(text)
      if (!jid) return
      assert.ok(Jid.parse(jid.toString()).equals(jid))
      assert.equal(Jid.of(jid.local, jid.domain, jid.resource).toString(), jid.toString())
      const unseen = `${jid.toString()}${jid.isBare ? '/' : ''}~${fresh++}` // not remembered, so it is prepared again
      assert.equal(Jid.parse(unseen).toString(), unseen)
    }),
    { numRuns: 5000 },
  )
})
