import assert from 'node:assert/strict'
import test from 'node:test'
import { NS, namespaceOf, type Stanza } from '@beaconfire/plugin-sdk'
import fc from 'fast-check'
import { StreamError } from '../stream/stream-error.js'
import { LIMITS, OPEN, read } from './stream-parser.fixture.js'
import { StreamParser } from './stream-parser.js'

/** What came after the stream's header. */
function readBody(...chunks: readonly (string | Uint8Array)[]): string[] {
  return read([OPEN, ...chunks]).slice(1)
}

function stanzaOf(xml: string, open = OPEN): Stanza {
  let found: Stanza | undefined
  const nothing = () => {}
  new StreamParser({ streamOpen: nothing, stanza: (it) => (found = it), element: nothing, streamClose: nothing }, LIMITS).write(
    Buffer.from(open + xml),
  )
  assert.ok(found)
  return found
}

test('header, stanzas, other elements and the end of a stream come out in order', () => {
  assert.deepEqual(
    read([
      OPEN,
      `<starttls xmlns='${NS.tls}'/><message to='a@b'><body>one</body></message>\n <presence/><iq type='get' id='1'><ping xmlns="urn:xmpp:ping"/></iq></stream:stream> \n`,
    ]),
    [
      `open stream ${NS.streams} jabber:client {"to":"localhost","version":"1.0"}`,
      `element ${NS.tls} <starttls xmlns="${NS.tls}"/>`,
      'stanza <message to="a@b"><body>one</body></message>',
      'stanza <presence/>',
      'stanza <iq type="get" id="1"><ping xmlns="urn:xmpp:ping"/></iq>',
      'close',
    ],
  )
})

const MANY_FACES =
  `<?xml version="1.0" encoding='utf-8' ?>\r\n<stream:stream\txmlns='jabber:client' xmlns:stream='${NS.streams}' xmlns:x='urn:x' to='löcal' xml:lang='de'>\r\n ` +
  `<message to='a@b' id='&lt;&#x1F525;'><body>ä €🔥 &amp;&#228;\r\n<![CDATA[<raw>]]> ]] </body><x:y x:z='1'><x:w/></x:y></message>` +
  `\n<c:iq xmlns:c='jabber:client' type='get'><c:q/><d xmlns='urn:d'/></c:iq><stream:error/> </stream:stream>\n`

test('a stream cut at any byte, or at every byte, reads the same', () => {
  const bytes = Buffer.from(MANY_FACES)
  const whole = read([bytes])
  assert.equal(whole.at(-1), 'close')
  assert.equal(whole.length, 5)
  for (let at = 1; at < bytes.length; at++) assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), whole)
  assert.deepEqual(read(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole)
})

test('a stream of any wrong or right pieces reads the same however it is cut, also at a limit', () => {
  const piece = fc.constantFrom(
    `<message to='a@b'><body>ä🔥</body></message>`,
    `<presence>`,
    `</presence>`,
    ' \n\r',
    `<iq a='${'x'.repeat(40)}'/>`,
    '<![CDATA[ ]]>',
    '<!-- c -->',
    '&amp;',
    '&e;',
    `<a:b/>`,
    Buffer.from([0xc3]),
    Buffer.from([0xe2, 0x82, 0xac]),
    '</stream:stream>',
    `<r xmlns='urn:xmpp:sm:3'/>`,
    `<a xmlns="urn:a" h='1' xml:lang='de'>dGV4dA==</a>`,
    `<b xmlns='urn:b'>a &amp; b<c/> </b>`,
    `<message xmlns='jabber:server'/>`,
    '<x xmlns="urn:x" q="',
    '">',
    ']]>',
    'text',
  )
  const limits = { stanzaBytes: 150, depth: 3, attributes: 4 }
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), fc.array(fc.nat(), { maxLength: 8 }), (pieces, cuts) => {
      const bytes = Buffer.concat([OPEN, ...pieces].map((it) => Buffer.from(it as string)))
      const ends = [...cuts.map((it) => it % bytes.length), bytes.length].sort((a, b) => a - b)
      const cut = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
      assert.deepEqual(read(cut, limits), read([bytes], limits))
    }),
    { numRuns: 1500 },
  )
})

const ROOT = (attributes: string) => `<stream:stream xmlns='jabber:client' xmlns:stream='${NS.streams}'${attributes}>`
const HEADERS: readonly string[] = [
  ROOT(` version="1.0" xml:lang='de' id='>/'`),
  `<?xml version="1.0" encoding="UTF-8" ?>\n${ROOT('  from="a@b" to=\'x"y\'  ')}`,
  ROOT(` to='a' to='b'`),
  ROOT(` to='a&amp;b' version='1.0'`),
  ROOT(` to='a'version='1.0'`),
  ROOT(` xmlns:xml='urn:x'`),
  ROOT(` xmlns:db='urn:x' db:a='1'`),
  ROOT(` other='1' __proto__='2'`),
  ROOT(` a='1' b='2' c='3' d='4' e='5' f='6' g='7' h='8' i='9'`),
  ROOT('').replace('client', 'server'),
  ROOT('').replaceAll('stream:stream', 's:stream').replace('xmlns:stream', 'xmlns:s'),
  ROOT('').replace(NS.streams, 'urn:x'),
  ROOT('').replace('>', '/>'),
]
for (const header of HEADERS) {
  test(`a header reads the same whether it comes whole or not: ${header}`, () => {
    for (const body of [
      '',
      `<presence/><c xmlns='urn:c'/><presence>&#65;</presence></stream:stream>`,
      '</stream:stream><presence/>',
      '</s:stream>',
    ]) {
      const bytes = Buffer.from(header + body)
      assert.deepEqual(read([bytes]), read([bytes.subarray(0, 1), bytes.subarray(1)]))
    }
  })
}

const REFUSALS: readonly [condition: string, why: string, ...body: (string | Uint8Array)[]][] = [
  ['restricted-xml', 'a comment', '<!-- hello -->'],
  ['restricted-xml', 'a comment in a stanza', '<message><!-- hello --></message>'],
  ['restricted-xml', 'a processing instruction', '<?php x ?>'],
  ['restricted-xml', 'an XML declaration between stanzas', `<presence/><?xml version='1.0'?>`],
  ['restricted-xml', 'an XML declaration in other letters', `<?XML version='1.0'?>`],
  ['restricted-xml', 'a DOCTYPE', '<!DOCTYPE a>'],
  ['restricted-xml', 'an entity of its own', '<message><body>&lol;</body></message>'],
  ['restricted-xml', 'an entity named like a property', '<message><body>&constructor;</body></message>'],
  ['restricted-xml', 'an entity in an attribute', `<message to='&lol;'/>`],
  ['not-well-formed', 'a wrong end tag', '<message><body></message>'],
  ['not-well-formed', 'a bare ampersand', '<message>a & b;</message>'],
  ['not-well-formed', 'a bare ampersand and nothing that ends it', '<message>a & b</message>'],
  ['not-well-formed', 'a bare ampersand in a value and nothing that ends it', `<message to='a&b'>c</message>`],
  ['not-well-formed', 'a < in a value', `<message to='<'/>`],
  ['not-well-formed', 'a value without quotes', '<message to=a/>'],
  ['not-well-formed', 'an attribute twice', `<message to='a' to='b'/>`],
  ['not-well-formed', 'an attribute twice by two prefixes', `<message xmlns:a='u' xmlns:b='u' a:c='1' b:c='2'/>`],
  ['not-well-formed', 'an unbound prefix of an element', '<a:b/>'],
  ['not-well-formed', 'an unbound prefix of an attribute', `<message a:b='c'/>`],
  ['not-well-formed', 'a prefix named like a property', '<constructor:b/>'],
  ['not-well-formed', 'a binding of xmlns', `<message xmlns:xmlns='urn:x'/>`],
  ['not-well-formed', 'another binding of xml', `<message xmlns:xml='urn:x'/>`],
  ['not-well-formed', 'a control character', '<message>\u0001</message>'],
  ['not-well-formed', 'a reference to a character that is none', '<message>&#0;</message>'],
  ['not-well-formed', 'a reference to a surrogate', '<message>&#xD800;</message>'],
  ['not-well-formed', 'U+FFFE', '<message>\uFFFE</message>'],
  ['not-well-formed', ']]> in text', '<message>]]></message>'],
  ['not-well-formed', 'a name that begins with a digit', '<1message/>'],
  ['not-well-formed', 'a second root', '</stream:stream><stream/>'],
  ['not-well-formed', 'text after the end', '</stream:stream>x'],
  ['bad-format', 'text between stanzas', 'hello'],
  ['bad-format', 'text after a stanza', '<presence/>hello'],
  ['bad-format', 'a CDATA section between stanzas', '<![CDATA[x]]>'],
  ['bad-format', 'a reference to a letter between stanzas', '&#65;<presence/>'],
  ['unsupported-encoding', 'a byte that is no UTF-8', Uint8Array.of(0xff)],
  ['unsupported-encoding', 'an overlong form', '<message>', Uint8Array.of(0xc0, 0xbc)],
  ['unsupported-encoding', 'a surrogate in UTF-8', '<message>', Uint8Array.of(0xed, 0xa0), Uint8Array.of(0x80)],
  ['unsupported-encoding', 'a character cut off, split over reads', '<message>', Uint8Array.of(0xe2), Uint8Array.of(0x82), '</message>'],
]

for (const [condition, why, ...body] of REFUSALS) {
  test(`${why} is refused with ${condition}`, () => {
    assert.equal(readBody(...body).at(-1), `error ${condition}`)
  })
}

const BAD_OPENINGS: readonly [condition: string, why: string, opening: string | Uint8Array][] = [
  ['not-well-formed', 'text before the root', 'GET / HTTP/1.1\r\n'],
  ['not-well-formed', 'a byte order mark', `\uFEFF${OPEN}`],
  ['not-well-formed', 'XML 1.1', OPEN.replace('1.0', '1.1')],
  ['not-well-formed', 'a declaration without version', '<?xml?>'],
  ['unsupported-encoding', 'another encoding', `<?xml version='1.0' encoding='ISO-8859-1'?>`],
  ['unsupported-encoding', 'UTF-16', Buffer.from(`\uFEFF${OPEN}`, 'utf16le')],
  ['restricted-xml', 'an XML declaration after a space', ` ${OPEN}`],
  ['restricted-xml', 'an XML declaration twice', `<?xml version='1.0'?>${OPEN}`],
  ['restricted-xml', 'a DTD with entities', `<!DOCTYPE a [<!ENTITY lol "lol">]>`],
  ['not-well-formed', 'a root with an unbound prefix', '<stream:stream>'],
]

for (const [condition, why, opening] of BAD_OPENINGS) {
  test(`${why} at the start is refused with ${condition}`, () => {
    assert.deepEqual(read([opening]), [`error ${condition}`])
  })
}

test('what was whole before a fault is handed out', () => {
  assert.deepEqual(readBody('<presence/><message>', Uint8Array.of(0xff)), ['stanza <presence/>', 'error unsupported-encoding'])
  assert.deepEqual(readBody(Buffer.from([...Buffer.from('<presence/>'), 0xff])), ['stanza <presence/>', 'error unsupported-encoding'])
})

test('a stanza that is closed by a wrong tag is not handed out', () => {
  for (const end of ['</stream:stream>', '</iq>', '</c:message>', '</>']) {
    assert.deepEqual(readBody(`<message xmlns:c='jabber:client'><body/>${end}`), ['error not-well-formed'])
  }
  assert.deepEqual(readBody('</stream>'), ['error not-well-formed'])
})

test('the five entities, character references, CDATA and surrogate pairs split over reads are text', () => {
  const [first, second] = [Buffer.from('<message><body>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F525;<![CDATA[<&]]>'), Buffer.from('🔥</body></message>')]
  for (let at = 0; at <= 4; at++) {
    const [seen] = readBody(first, second.subarray(0, at), second.subarray(at))
    assert.equal(seen, 'stanza <message><body>&lt;&gt;&amp;"\'A🔥&lt;&amp;🔥</body></message>')
  }
})

test('a stanza written with a prefix comes out without it', () => {
  assert.deepEqual(readBody(`<c:message xmlns:c='jabber:client' to='a@b'><c:body>x</c:body><c:z xmlns='urn:z'><y/></c:z></c:message>`), [
    'stanza <message to="a@b"><body>x</body><z><y xmlns="urn:z"/></z></message>',
  ])
  const other = stanzaOf(`<c:message xmlns:c='jabber:client' xmlns='urn:other'><body>x</body></c:message>`)
  assert.equal(other.hasChild('body'), false)
  assert.equal(other.childText('body', 'urn:other'), 'x')
})

test('prefixes of the root or of the stanza are declared where they are used', () => {
  const open = OPEN.replace(" to='", " xmlns:r='urn:r' to='")
  const stanza = stanzaOf(`<message xmlns:s='urn:s' r:attribute='1'><r:a s:b='c'><r:d><s:e/></r:d></r:a><f s:g=''/></message>`, open)
  assert.equal(stanza.innerXml(), '<r:a xmlns:r="urn:r" s:b="c" xmlns:s="urn:s"><r:d><s:e/></r:d></r:a><f s:g="" xmlns:s="urn:s"/>')
  assert.equal(stanza.toString().slice(0, 46), '<message r:attribute="1" xmlns:r="urn:r"><r:a ')
  assert.deepEqual(stanza.childNamespaces(), ['urn:r', NS.client])
  assert.equal(stanza.clone().toString(), stanza.toString())
})

test('a prefix bound anew inside a stanza keeps its new meaning', () => {
  const [a] = stanzaOf(`<message xmlns:p='urn:1'><p:a><p:b xmlns:p='urn:2'/><p:c/></p:a></message>`).childElements()
  assert.deepEqual(a && [a, ...a.getChildElements()].map(namespaceOf), ['urn:1', 'urn:2', 'urn:1'])
})

test('a namespace declared once more is left out, one taken back is kept', () => {
  assert.deepEqual(
    readBody(
      `<message xmlns='jabber:client'><body xmlns='jabber:client'/><x xmlns='urn:x'><y xmlns='urn:x'/><z xmlns='jabber:client'/></x></message>`,
    ),
    ['stanza <message><body/><x xmlns="urn:x"><y/><z xmlns="jabber:client"/></x></message>'],
  )
})

test('a stanza in another namespace, and an unknown element, are elements with a namespace', () => {
  assert.deepEqual(readBody(`<message xmlns='jabber:server'/>`, '<foo><bar/></foo>', '<stream:features/>'), [
    'element jabber:server <message xmlns="jabber:server"/>',
    'element jabber:client <foo xmlns="jabber:client"><bar/></foo>',
    `element ${NS.streams} <stream:features xmlns:stream="${NS.streams}"/>`,
  ])
})

test('the header of a wrong root says what it is', () => {
  assert.deepEqual(read(['<html>']), ['open html   {}'])
  assert.deepEqual(read([`<stream xmlns='${NS.streams}' constructor='1' __proto__='2'>`]), [
    `open stream ${NS.streams} ${NS.streams} {"constructor":"1","__proto__":"2"}`,
  ])
})

test('attributes named like properties of objects do no harm', () => {
  const stanza = stanzaOf(`<message constructor='1' toString='2' __proto__='3'><body __proto__='4' hasOwnProperty='5'/></message>`)
  assert.equal(stanza.attribute('constructor'), '1')
  assert.equal(stanza.attribute('valueOf'), undefined)
  assert.equal(stanza.innerXml(), '<body __proto__="4" hasOwnProperty="5"/>')
  assert.equal(Object.hasOwn(Object.prototype, '4'), false)
})

test('nothing but white space is taken after the end, and any amount of it', () => {
  assert.deepEqual(readBody('</stream:stream>', ...Array<string>(LIMITS.stanzaBytes).fill('\r\n')), ['close'])
})

test('a stopped parser drops the rest, that of the same chunk included', () => {
  const seen: string[] = []
  const parser: StreamParser = new StreamParser(
    {
      streamOpen: () => {},
      stanza: (stanza) => seen.push(stanza.kind),
      element: () => parser.stop(),
      streamClose: () => seen.push('close'),
    },
    LIMITS,
  )
  parser.write(Buffer.from(`${OPEN}<presence/><starttls xmlns='${NS.tls}'/><message/>not even XML <<<`))
  parser.write(Buffer.from('<message/>'))
  assert.deepEqual(seen, ['presence'])
})

test('an error thrown by who handles an event ends the parser', () => {
  const failure = new StreamError('host-unknown')
  const fail = () => {
    throw failure
  }
  const parser = new StreamParser({ streamOpen: fail, stanza: fail, element: fail, streamClose: fail }, LIMITS)
  for (let i = 0; i < 2; i++) assert.throws(() => parser.write(Buffer.from(OPEN)), failure)
})
