import assert from 'node:assert/strict'
import { test } from 'node:test'
import { element, parseElement } from '../index.js'
import { assertStanza, differenceOf } from './stanza-difference.js'
import { stanzaLike } from './stanza-matchers.js'

const MESSAGE = `<message type="chat" to="juliet@test" from="romeo@test/a" id="m1"><body>Wherefore?</body><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00Z"/></message>`

test('attributes may come in any order, and prefixes and quotes be others', () => {
  assertStanza(
    parseElement(MESSAGE),
    `<message id='m1' from='romeo@test/a' to='juliet@test' type='chat'><body>Wherefore?</body><d:delay xmlns:d='urn:xmpp:delay' stamp='*'/></message>`,
  )
  assertStanza(element('presence'), '<presence/>')
})

test('a difference is shown line by line', () => {
  const wrong = () =>
    assertStanza(parseElement(MESSAGE), '<message to="juliet@test" from="romeo@test/a" id="*" type="normal"><body>Hark!</body></message>')
  assert.throws(wrong, (error: Error) => {
    assert.equal(error.name, 'AssertionError')
    assert.equal(
      error.message,
      `the stanza is another:
  <message xmlns="jabber:client">
      from="romeo@test/a"
      id="m1"
      to="juliet@test"
-     type="normal"
+     type="chat"
    <body>
-     Hark!
+     Wherefore?
+   <delay xmlns="urn:xmpp:delay">
+       stamp="2026-01-01T00:00:00Z"`,
    )
    return true
  })
})

test('what is missing, too much, in another namespace or order is told', () => {
  const actual = parseElement('<iq><a/><b xmlns="urn:b"/></iq>')
  for (const other of [
    '<iq><a/></iq>',
    '<iq><a/><b/></iq>',
    '<iq><b xmlns="urn:b"/><a/></iq>',
    '<iq id="*"><a/><b xmlns="urn:b"/></iq>',
    '<iq><a>*</a><b xmlns="urn:b"/></iq>',
  ])
    assert.throws(() => assertStanza(actual, other), /the stanza is another/, other)
  assert.throws(() => assertStanza(parseElement('<iq type="get"/>'), '<iq/>'), /\+ +type="get"/)
  assert.equal(differenceOf(actual, actual).includes('- '), false)
})

test('with extras, there may be more, in any order; what is named must be there', () => {
  const message = parseElement(MESSAGE)
  assert.ok(stanzaLike('<message from="romeo@test/a"><delay xmlns="urn:xmpp:delay"/><body>*</body></message>')(message))
  assert.equal(stanzaLike('<message from="romeo@test/a"><body>*</body></message>', { extras: false })(message), false)
  assert.equal(stanzaLike('<message from="romeo@test/b"/>')(message), false)
  assert.equal(stanzaLike('<message><body/><body/></message>')(message), false)
  assert.throws(() => assertStanza(message, '<message><subject>*</subject></message>', { extras: true }), /- +<subject>/)
})
