import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, type Message, NS, parseStanza, parseStoredStanza, stampDelay } from './index.js'

const PLAIN = [
  '<message/>',
  '<message from="romeo@test/home" to="juliet@test" type="chat"><body>a &lt; b &amp;&amp; c</body></message>',
  '<message xml:lang="it" id="1&apos;"><body/><x xmlns="urn:x"><y a="1"/><y>2</y></x><active xmlns="http://jabber.org/protocol/chatstates"/></message>',
  `<message xmlns="jabber:client" to='juliet@test'><subject>Götter 😀</subject><body>x > y</body></message>`,
]
const RARE = [
  '<message><body>&#10;a</body></message>',
  '<message><body><![CDATA[<a>]]></body></message>',
  '<message><p:x xmlns:p="urn:p"/><body>b</body></message>',
  '<message\n to="juliet@test" ><body >b</body ></message>',
  '<message>text<body>b</body></message>',
]
const BROKEN = [
  '',
  '<message',
  '<message>',
  '<message></message><message/>',
  '<message><body></message></body>',
  '<message a="1" a="2"/>',
  '<message a="<"/>',
  '<message><body>&nbsp;</body></message>',
  '<message><body>]]></body></message>',
  '<message><body>\u0001</body></message>',
  '<message><!-- --></message>',
  '<message><x xmlns="http://www.w3.org/2000/xmlns/"/></message>',
  '<message><x a="1"b="2"/></message>',
  '<message/ >',
  '<message><a><b></a></b></message>',
  '<message>&amp</message>',
  '<body/>',
]

test('a stored stanza says the same as one that was parsed into a tree', () => {
  for (const xml of [...PLAIN, ...RARE]) {
    const stored = parseStoredStanza(xml) as Message
    const parsed = parseStanza(xml) as Message
    const seen = (it: Message) => [it.body, it.subject, it.type, it.id, it.lang, String(it.to), it.childNamespaces(), it.hasChild('x', 'urn:x')]
    assert.deepEqual(seen(stored), seen(parsed), xml)
    assert.deepEqual(stored.childElements().map(String), parsed.childElements().map(String), xml)
  }
})

test('text that is no stanza is refused as by the strict parser', () => {
  for (const xml of BROKEN) {
    assert.throws(() => parseStanza(xml), Error, xml)
    assert.throws(() => parseStoredStanza(xml), Error, xml)
  }
})

test('a plain stanza is stamped and written without a tree, and reads as one that has it', () => {
  const stored = parseStoredStanza(PLAIN[1] as string) as Message
  stampDelay(stored, new Date(0), Jid.parse('test'))
  assert.ok(stored.hasChild('delay', NS.delay))
  const delay = '<delay xmlns="urn:xmpp:delay" from="test" stamp="1970-01-01T00:00:00.000Z"/>'
  assert.equal(stored.toString(), (PLAIN[1] as string).replace('</message>', `${delay}</message>`))
  stampDelay(stored, new Date(1), Jid.parse('test'))
  assert.equal(stored.childElements().filter((it) => it.is('delay', NS.delay)).length, 1)
  assert.equal(stored.child('delay', NS.delay)?.attrs.stamp, '1970-01-01T00:00:00.000Z')
})
