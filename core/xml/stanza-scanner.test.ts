import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, Message, namespaceOf, parseElement } from '@beaconfire/plugin-sdk'
import fc from 'fast-check'
import { NOT_PLAIN, NOT_WHOLE, StanzaScanner } from './stanza-scanner.js'

const limits = { stanzaBytes: 262_144, depth: 16, attributes: 16 }
const scan = (text: string, start = 0) => {
  const scanner = new StanzaScanner(limits)
  return { end: scanner.scan(text, start), scanner }
}

describe('the plain form', () => {
  const plain: string[] = [
    '<message/>',
    "<message to='a@b' type=\"chat\" id='1'><body>hi</body></message>",
    '<message xmlns="jabber:client"><body>a &amp; b &lt;c&gt; &quot;d&quot; &apos;e&apos; ]x</body></message>',
    '<presence xml:lang="en"><show>away</show><c xmlns="urn:c" ver="1"/></presence>',
    '<iq type="get" id="x"><query xmlns="jabber:iq:roster"><item jid="a@b"><group>G</group></item></query></iq>',
    '<message><body>中文 😀\n\tend</body></message>',
  ]
  for (const xml of plain) {
    test(`is read to its end: ${xml.slice(0, 60)}`, () => {
      assert.equal(scan(xml).end, xml.length)
      assert.equal(scan(` ${xml}<next/>`, 1).end, xml.length + 1)
    })
  }

  test('a stanza in any two parts, or character by character, is read as if it had come whole', () => {
    const found = ({ name, namespace, attributes, inner, children }: StanzaScanner) => ({ name, namespace, attributes, inner, children })
    for (const xml of plain) {
      const whole = found(scan(xml).scanner)
      for (let cut = 1; cut < xml.length; cut++) {
        const { end, scanner } = scan(`<r/>${xml.slice(0, cut)}`, 4)
        assert.equal(end, NOT_WHOLE, xml.slice(0, cut))
        assert.equal(scanner.resume(`${xml}<next/>`, `${xml.slice(cut)}<next/>`), xml.length, xml.slice(0, cut))
        assert.deepEqual(found(scanner), whole)
      }
      const { scanner } = scan('<')
      for (let length = 2; length < xml.length; length++) assert.equal(scanner.resume(xml.slice(0, length), xml.charAt(length - 1)), NOT_WHOLE)
      assert.equal(scanner.resume(xml, '>'), xml.length)
      assert.deepEqual(found(scanner), whole)
    }
  })

  test('a long tag that is cut is left to the strict parser, not read again and again', () => {
    const value = 'x'.repeat(5000)
    for (const start of ['<message id="', '<message><x id="']) {
      assert.equal(scan(start + value).end, NOT_PLAIN)
      assert.equal(scan(`${start}${value}"/>${start.includes('<x') ? '</message>' : ''}`).end > 5000, true)
    }
    assert.equal(scan(`<message><body>${value}`).end, NOT_WHOLE)
  })

  test('tells a namespace of its own, also after another element has had one', () => {
    const scanner = new StanzaScanner(limits)
    const namespaces = [
      '<r xmlns="urn:xmpp:sm:3"/>',
      '<presence/>',
      '<a h="1" xmlns=\'urn:a\'><b xmlns="urn:b"/></a>',
      '<presence xmlns="jabber:client"/>',
    ]
    assert.deepEqual(
      namespaces.map((xml) => (scanner.scan(xml, 0) === xml.length ? scanner.namespace : 'not read')),
      ['urn:xmpp:sm:3', undefined, 'urn:a', undefined],
    )
  })

  test('tells the children with their texts', () => {
    const xml = '<message to="a@b"><body>a &amp; b</body><x xmlns="urn:x"><y/></x><empty/></message>'
    const { scanner } = scan(xml)
    const message = new Message(scanner.attributes, scanner.inner, scanner.children)
    assert.equal(message.body, 'a & b')
    assert.equal(message.hasChild('x', 'urn:x'), true)
    assert.equal(message.childText('empty'), '')
    assert.deepEqual(message.childNamespaces(), ['jabber:client', 'urn:x', 'jabber:client'])
  })
})

describe('all else is left to the strict parser', () => {
  const others: [string, string][] = [
    ['a comment', '<message><!-- --></message>'],
    ['CDATA', '<message><body><![CDATA[x]]></body></message>'],
    ['a processing instruction', '<message><?x?></message>'],
    ['a prefix', '<message><x:y xmlns:x="urn:x"/></message>'],
    ['a prefixed attribute', '<message x:y="1"/>'],
    ['a reference in an attribute', '<message id="a&amp;b"/>'],
    ['a numeric reference', '<message><body>&#65;</body></message>'],
    ['an unknown entity', '<message><body>&nbsp;</body></message>'],
    ['an unfinished entity', '<message><body>&amp</body></message>'],
    ['a lone ampersand', '<message><body>a & b</body></message>'],
    ['the end of CDATA', '<message><body>a]]>b</body></message>'],
    ['a repeated attribute', '<message id="1" id="2"/>'],
    ['a repeated declaration', '<message><x xmlns="a" xmlns="b"/></message>'],
    ['attributes without space between', '<message id="1"to="2"/>'],
    ['an attribute without quotes', '<message id=1/>'],
    ['a less-than in an attribute', '<message id="<"/>'],
    ['mismatched tags', '<message><a></b></message>'],
    ['tags that overlap', '<message><a><b></a></b></message>'],
    ['an end tag that is longer', '<message><a></ab></message>'],
    ['an end tag with an attribute', '<message><a></a x="1"></message>'],
    ['a control character', '<message><body>\u0001</body></message>'],
    ['a carriage return', '<message><body>\r\n</body></message>'],
    ['a character that is none', '<message><body>\ufffe</body></message>'],
    ['a tab in an attribute', '<message id="a\tb"/>'],
    ['a name that begins with a digit', '<message><1a/></message>'],
    ['no name', '<message>< /></message>'],
    ['a reserved namespace of its own', '<message xmlns="http://www.w3.org/2000/xmlns/"/>'],
    ['no namespace of its own', '<message xmlns=""/>'],
    ['a reserved namespace', '<message><x xmlns="http://www.w3.org/XML/1998/namespace"/></message>'],
    ['an undeclared namespace', '<message><x xmlns=""/></message>'],
    ['a prototype', '<message __proto__="x"/>'],
    ['too deep a stanza', `<message>${'<a>'.repeat(20)}${'</a>'.repeat(20)}</message>`],
    ['too many attributes', `<message ${Array.from({ length: 20 }, (_, i) => `a${i}="1"`).join(' ')}/>`],
  ]
  for (const [what, xml] of others) {
    test(what, () => {
      assert.equal(scan(xml).end, NOT_PLAIN)
    })
  }
})

test('what it accepts is what the strict parser accepts, and reads the same (20,000 stanzas, two in three damaged)', () => {
  const name = fc.constantFrom('body', 'x', 'query', 'a-b', 'a.b', '_c', 'é', 'p:q')
  const text = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('&amp;', '&lt;x&gt;', ']]', ']]>', '&#x41;', '&bad;', '😀', '\n', '<![CDATA[y]]>', '<!-- -->', '\r'),
  )
  const value = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('urn:x', '', 'jabber:client', 'a&amp;b', '>', "'"))
  const attribute = fc
    .tuple(fc.constantFrom('id', 'to', 'xmlns', 'xml:lang', 'xmlns:p', 'type', '__proto__'), value, fc.constantFrom('"', "'"))
    .map(([key, it, quote]) => ` ${key}=${quote}${it}${quote}`)
  const tag = fc.tuple(name, fc.array(attribute, { maxLength: 3 }))
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
  const stanza = fc
    .tuple(fc.constantFrom('message', 'presence', 'iq'), fc.array(attribute, { maxLength: 3 }), fc.array(node, { maxLength: 3 }))
    .map(([kind, attributes, children]) => `<${kind}${attributes.join('')}>${children.join('')}</${kind}>`)
  const damage = fc.tuple(fc.nat(), fc.constantFrom('', '', '<', '>', '/', '"', '&', ' ', ']', '\u0000', 'x', '='), fc.nat(2))
  let accepted = 0
  fc.assert(
    fc.property(stanza, damage, fc.nat(2), (whole, [at, insertion, removed], isWhole) => {
      const position = at % (whole.length + 1)
      const damaged = isWhole === 0 ? whole : whole.slice(0, position) + insertion + whole.slice(position + removed)
      const xml = Buffer.from(damaged).toString() // the decoder gives no halves of characters
      const { end, scanner } = scan(xml)
      if (end < 0) return
      accepted++
      const strict = parseElement(xml.slice(0, end))
      assert.equal(strict.name, scanner.name)
      const { xmlns, ...attributes } = strict.attrs
      assert.equal(xmlns === 'jabber:client' ? undefined : xmlns, scanner.namespace)
      assert.deepEqual({ ...scanner.attributes }, { ...attributes })
      const again = parseElement(`<${scanner.name}>${scanner.inner}</${scanner.name}>`)
      assert.equal(again.children.join(''), strict.children.join(''))
      const message = new Message(scanner.attributes, scanner.inner, scanner.children)
      assert.deepEqual(message.childNamespaces(), childElements(again).map(namespaceOf))
      for (const child of childElements(again)) assert.equal(message.hasChild(child.getName(), namespaceOf(child)), true)
    }),
    { numRuns: 20_000 },
  )
  assert.ok(accepted > 1_000, `only ${accepted} were of the plain form`)
})
