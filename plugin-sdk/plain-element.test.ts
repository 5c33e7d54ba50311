import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Element, parseStrictly, XmlError } from './element.js'
import { NS } from './namespaces.js'
import { plainElement } from './plain-element.js'

/** All of a tree, with what stands beside what; serialised it would be escaped, and texts would run together. */
function outline({ name, attrs, children }: Element): unknown {
  return [name, Object.entries(attrs), children.map((it) => (typeof it === 'string' ? it : outline(it)))]
}

describe('read without the strict parser', () => {
  for (const xml of [
    '<a/>',
    '<iq><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>bench</resource></bind></iq>',
    `<a b='"' c="'" xml:lang='de' ><b />&lt;x&gt;&amp;amp;&quot;&apos; ]x\n\t<c>ä</c>中</a>`,
  ]) {
    test(xml, () => {
      const plain = plainElement(xml)
      assert.ok(plain)
      assert.equal(plain.parent, null)
      assert.deepEqual(outline(plain), outline(parseStrictly(xml, NS.client)))
    })
  }
})

test('what it reads is what the strict parser reads (20,000 texts, most of them damaged)', () => {
  const text = fc.constantFrom(
    '',
    'a',
    ' ',
    '\n',
    '&amp;',
    '&lt;b/&gt;',
    '&#x41;',
    '&bad;',
    ']]',
    ']]>',
    '\r',
    '\u0001',
    '\ufffe',
    '\ud800',
    '😀',
    'ä',
    '&',
  )
  const name = fc.constantFrom('a', 'b-c', '_d', 'e.f', 'é', 'p:q', '1', 'xml:lang', '__proto__', 'toString')
  const value = fc.oneof(text, fc.constantFrom('urn:x', '"', "'", 'jabber:client', 'http://www.w3.org/XML/1998/namespace', '<', '>', '\t'))
  const attribute = fc
    .tuple(fc.oneof(name, fc.constantFrom('xmlns', 'id', 'xmlns:p')), value, fc.constantFrom('"', "'"), fc.constantFrom(' ', '  ', '\n', ''))
    .map(([key, it, quote, space]) => `${space}${key}=${quote}${it}${quote}`)
  const tag = fc.tuple(fc.oneof(fc.constant('a'), name), fc.array(attribute, { maxLength: 2 }))
  const { node } = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      text,
      tag.map(([it, attributes]) => `<${it}${attributes.join('')}/>`),
      fc
        .tuple(tag, fc.array(tie('node'), { maxLength: 3 }))
        .map(([[it, attributes], children]) => `<${it}${attributes.join('')}>${children.join('')}</${it}>`),
    ),
  }))
  const damage = fc.tuple(fc.nat(), fc.constantFrom('', '', '<', '>', '/', '"', '&', ' ', ']', '\u0000', 'x', '=', '<a/>'), fc.nat(2))
  let read = 0
  fc.assert(
    fc.property(fc.array(node, { maxLength: 3 }), damage, fc.nat(1), (inside, [at, insertion, removed], isWhole) => {
      const whole = `<a>${inside.join('')}</a>`
      const position = at % (whole.length + 1)
      const xml = isWhole === 1 ? whole : whole.slice(0, position) + insertion + whole.slice(position + removed)
      const plain = plainElement(xml)
      if (!plain) return
      read++
      assert.deepEqual(outline(plain), outline(parseStrictly(xml, NS.client)))
    }),
    { numRuns: 20_000 },
  )
  assert.ok(read > 3000, `${read} were of the plain form`)
})

test('deep trees are left to the strict parser, and what has no end to nobody', () => {
  const deep = `${'<a>'.repeat(201)}${'</a>'.repeat(201)}`
  assert.equal(plainElement(deep), undefined)
  for (const xml of ['', '<', '<a', '<a>', '<a></b>', '<a/> ', ' <a/>', '<a/><b/>', 'a', '</a>', '<a>b']) {
    assert.equal(plainElement(xml), undefined, xml)
    if (xml !== '<a/> ' && xml !== ' <a/>') assert.throws(() => parseStrictly(xml, NS.client), XmlError, xml)
  }
})
