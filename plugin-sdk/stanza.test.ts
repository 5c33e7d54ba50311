import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  element,
  errorReply,
  type Iq,
  iq,
  Jid,
  Message,
  message,
  NS,
  Presence,
  parseElement,
  parseStanza,
  presence,
  StanzaError,
  stampDelay,
} from './index.js'

const outline = [
  { name: 'body', namespace: undefined, start: 6, end: 20, isText: true },
  { name: 'x', namespace: 'urn:x', start: 44, end: 52, isText: false },
]
const inner = '<body>a &amp; b &lt;</body><x xmlns="urn:x"><y>1</y></x>'

describe('a stanza as it was read', () => {
  test('gives texts and children by what the parser noted', () => {
    const read = new Message({ type: 'chat', to: 'juliet@test' }, inner, outline)
    assert.equal(read.body, 'a & b <')
    assert.equal(read.hasChild('x', 'urn:x'), true)
    assert.equal(read.hasChild('x'), false)
    assert.deepEqual(read.childNamespaces(), [NS.client, 'urn:x'])
    assert.equal(read.child('x', 'urn:x')?.getChildText('y', 'urn:x'), '1')
  })

  test('is written as it was read, with the attributes as they are now', () => {
    const read = new Message({ type: 'chat', to: 'juliet@test' }, inner, outline)
    assert.equal(read.toString(), `<message type="chat" to="juliet@test">${inner}</message>`)
    read.from = Jid.parse('romeo@test/orchard')
    assert.equal(read.toString(), `<message type="chat" to="juliet@test" from="romeo@test/orchard">${inner}</message>`)
  })

  test('is written anew once its tree was taken, so that a change is never missed', () => {
    const read = new Message({ type: 'chat' }, inner, outline)
    read.child('body')?.t('!')
    assert.match(read.toString(), /<body>a &amp; b &lt;!<\/body>/)
    assert.equal(read.body, 'a & b <!')
    read.child('body')?.t('?')
    assert.equal(read.body, 'a & b <!?')
  })
})

test('a copy and its original do not share changes, either way', () => {
  const original = message({ to: 'juliet@test' }, element('body', {}, 'one'))
  const copy = original.clone()
  copy.body = 'two'
  copy.to = Jid.parse('nurse@test')
  original.subject = 'three'
  assert.deepEqual([original.body, original.to?.toString(), original.subject], ['one', 'juliet@test', 'three'])
  assert.deepEqual([copy.body, copy.to?.toString(), copy.subject], ['two', 'nurse@test', undefined])
})

test('header accessors read and write', () => {
  const stanza = message({ id: '1', from: 'romeo@test/orchard', to: 'juliet@test', type: 'chat' })
  stanza.id = undefined
  stanza.type = 'normal'
  stanza.lang = 'it'
  assert.equal(stanza.toString(), '<message from="romeo@test/orchard" to="juliet@test" xml:lang="it"/>')
  assert.equal(new Message({ type: 'nonsense' }, '').type, 'normal')
  assert.equal(new Presence({}, '').type, 'available')
})

test('attribute values are escaped so that they come back the same', () => {
  const id = `<"'&\t\n>`
  assert.equal(parseStanza(message({ id }).toString()).id, id)
})

test('the priority of a presence is 0 unless it is a number from -128 to 127 (RFC 6121 section 4.7.2.3)', () => {
  const of = (text: string) => presence({}, element('priority', {}, text)).priority
  assert.deepEqual(['5', '-128', '+7', '128', 'x', ''].map(of), [5, -128, 7, 0, 0, 0])
})

test('the payload of an iq is its child that is no error', () => {
  const stanza = parseStanza(`<iq type='error' id='1'><query xmlns='jabber:iq:roster'/><error type='cancel'/></iq>`) as Iq
  assert.equal(stanza.payload?.getNS(), NS.roster)
  assert.equal(
    iq({ type: 'get', id: '1', from: 'romeo@test/a', to: 'test' }).result().toString(),
    '<iq to="romeo@test/a" from="test" type="result" id="1"/>'.replace(
      'to="romeo@test/a" from="test" type="result" id="1"',
      'type="result" id="1" to="romeo@test/a" from="test"',
    ),
  )
})

describe('an error reply', () => {
  test('goes back with the same id, the original payload, and condition, type and text of the error', () => {
    const reply = errorReply(
      message({ id: '1', from: 'a@test/r', to: 'b@test' }, element('body', {}, 'hi')),
      new StanzaError('not-allowed', { text: 'no' }),
    )
    assert.equal(
      reply?.toString(),
      '<message from="b@test" to="a@test/r" id="1" type="error"><body>hi</body><error type="cancel">' +
        `<not-allowed xmlns="${NS.stanzaErrors}"/><text xmlns="${NS.stanzaErrors}" xml:lang="en">no</text></error></message>`,
    )
  })

  test('is never made for an error or a result (RFC 6120 section 8.3.1)', () => {
    const error = new StanzaError('not-allowed')
    assert.equal(errorReply(message({ type: 'error' }), error), undefined)
    assert.equal(errorReply(iq({ type: 'result', id: '1' }), error), undefined)
  })
})

test('a delay stamp is put once for each entity that delays (XEP-0203)', () => {
  const stanza = message({ to: 'juliet@test' })
  const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6))
  stampDelay(stampDelay(stanza, at, Jid.parse('test')), new Date(), Jid.parse('test'))
  assert.equal(stanza.childElements().length, 1)
  assert.equal(stanza.child('delay', NS.delay)?.attrs.stamp, '2026-01-02T03:04:05.006Z')
})

test('text that XML cannot carry is refused where it enters', () => {
  assert.throws(() => element('body', {}, 'a\u0000b'), TypeError)
  assert.throws(() => element('body', { id: '\ud800' }), TypeError)
})

test('a leaf is written as the builder writes it, whether the stanza has a tree or not', () => {
  const values = ['juliet@capulet.lit', '', 'a<b>"c"&\'d\'', 'é😀', 'tab\tline\nreturn\r']
  for (const value of values) {
    const expected = parseElement(element('id', { xmlns: 'urn:x', by: value }).toString()).attrs.by
    const read = new Message({}, inner, outline)
    const built = message({}, element('body', {}, 'Hi'))
    for (const stanza of [read, built]) {
      stanza.appendLeaf('id', 'urn:x', { by: value })
      assert.equal(parseElement(stanza.toString()).getChild('id', 'urn:x')?.attrs.by, expected)
      assert.ok(stanza.hasChild('id', 'urn:x'))
    }
  }
  assert.throws(() => message({}, element('body', {}, 'Hi')).appendLeaf('id', 'urn:x', { by: '\u0000' }), TypeError)
})

test('a child with content is appended without a tree, and read like the others', () => {
  const children = [
    element('empty', { xmlns: 'urn:x', at: '>' }),
    element('text', { xmlns: 'urn:x', at: '</' }, 'x > y & "z"'),
    element('deep', {}, element('inner', { xmlns: 'urn:x' }, 'i'), 'tail'),
  ]
  const read = new Message({ type: 'chat' }, inner, outline)
  const built = parseStanza(`<message type="chat">${inner}</message>`)
  for (const child of children) {
    read.appendChild(child)
    built.addChild(parseElement(child.toString()))
  }
  assert.deepEqual(read.childNamespaces(), built.childNamespaces())
  for (const [name, ns] of [
    ['empty', 'urn:x'],
    ['text', 'urn:x'],
    ['deep', NS.client],
    ['body', NS.client],
  ] as const) {
    assert.equal(read.childText(name, ns), built.childText(name, ns), name)
  }
  assert.equal(read.toString(), built.toString())
})
