import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { prepareDomain } from './domain-name.js'
import { PreparationError } from './precis.js'

function refuses(names: readonly string[]): void {
  for (const name of names) assert.throws(() => prepareDomain(name), PreparationError, JSON.stringify(name))
}

test('host names, with or without a dot, stay as they are', () => {
  for (const name of ['localhost', 'lenovo-pc', 'test', 'im.example.com', '3com.com', 'a.b.c', '1.example', 'r1-2.x9']) {
    assert.equal(prepareDomain(name), name)
  }
})

test('case, width, dots and A-labels end in one form', () => {
  for (const name of ['Bücher.Example', 'bu\u0308cher.example', 'xn--bcher-kva.example', 'XN--BCHER-KVA.EXAMPLE.', 'bücher。example．']) {
    assert.equal(prepareDomain(name), 'bücher.example')
  }
  assert.equal(prepareDomain('ＥＸＡＭＰＬＥ.com'), 'example.com')
  assert.equal(prepareDomain('example.com.'), 'example.com')
})

test('sharp s, final sigma and joiners are kept (IDNA2008)', () => {
  for (const name of ['faß.de', 'βόλος.com', 'نامه\u200Cای.com', 'אבג.example']) assert.equal(prepareDomain(name), name)
})

test('IP literals are recognised before names', () => {
  assert.equal(prepareDomain('127.0.0.1'), '127.0.0.1')
  assert.equal(prepareDomain('[::1]'), '[::1]')
  assert.equal(prepareDomain('[2001:DB8:0:0::0001]'), '[2001:db8::1]')
  refuses(['256.1.1.1', '1.2.3', '127.1', '1', '01.2.3.4', '::1', '[::1', '[127.0.0.1]', '[fe80::1%eth0]', '[]', '[::1].', '[::1]a'])
})

test('what is no host name is refused', () => {
  refuses(['', '.', '..', 'a..b', '.a', 'a..', '-a.de', 'a-.de', 'a_b.example', 'ab--cd.x', 'xn--a.x', 'xn--.x', 'xn--\0.x'])
  refuses(['a b', 'a\tb', 'a\u00A0b', 'a@b', 'a:5222', 'a/b', '℀.com', 'a\0b', '\uD800.com', '☃.net', '😀.com', 'a\u200Db', 'l·.x'])
  refuses(['אa.com', '1א.com', '\u0301a.com'])
})

test('DNS lengths are those of the A-label form', () => {
  const label = 'a'.repeat(63)
  const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`
  assert.equal(prepareDomain(longest), longest)
  assert.equal(prepareDomain(label.toUpperCase()), label)
  refuses([`${longest}b`, `${label}a`, `${label}a.com`, `${label.toUpperCase()}A`, 'ü'.repeat(60)])
})

test('preparing twice changes nothing', () => {
  const unit = fc.constantFrom(...Array.from('aZ09-..ßςüאب１Ａ。İ\u0301\u200C\u200D[:]'), 'xn--', 'bcher-kva')
  const tricky = fc.array(unit, { maxLength: 10 }).map((units) => units.join(''))
  const name = fc.oneof(
    tricky,
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(fc.property(name, assertSettled), { numRuns: 3000 })
})

function assertSettled(name: string): void {
  let prepared: string
  try {
    prepared = prepareDomain(name)
  } catch (error) {
    if (error instanceof PreparationError) return
    throw error
  }
  assert.equal(prepareDomain(prepared), prepared)
}
