/** RFC 6121 §5: messages arrive as they were sent. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStage } from '../support/stage.js'

const stage = await openStage({ plugins: [] })

for (const type of ['chat', 'normal', 'headline'] as const) {
  test(`a message of type ${type} arrives with bodies, subject, thread and languages untouched (§5.2)`, async () => {
    const [sender, target] = [await stage.login(), await stage.login()]
    target.send('<presence/>')
    const content =
      '<subject>Imploring</subject><subject xml:lang="cs">Úpěnlivá prosba</subject><body>Wherefore art thou?</body>' +
      '<body xml:lang="cs">Pročež jsi?</body><thread parent="7edac73a">e0ffe42b</thread>'
    sender.send(`<message id="m" type="${type}" to="${target.jid}" xml:lang="en">${content}</message>`)
    const { attrs, children } = await target.receive('message')
    assert.deepEqual([attrs.id, attrs.type ?? 'normal', attrs['xml:lang'], attrs.from, attrs.to], ['m', type, 'en', `${sender.jid}`, `${target.jid}`])
    assert.equal(children.join(''), content)
  })
}

test('Chinese text, emoji and characters that XML escapes arrive as they were (§5.2.3)', async () => {
  const [sender, target] = [await stage.login(), await stage.login()]
  const text = '输入不合法，请重新输入 👩‍👩‍👧‍👦 <&>"\' \u{10FFFF}'
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  sender.send(`<message to="${target.jid}"><body>${escaped}</body></message>`)
  assert.equal((await target.receive('message')).getChildText('body'), text)
})

test('extended content of namespaces the server does not know arrives whole (§5.3)', async () => {
  const [sender, target] = [await stage.login(), await stage.login()]
  const extension =
    '<html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml"><p style="x">Hi<br/></p></body></html>'
  sender.send(`<message to="${target.jid}"><body>Hi</body>${extension}</message>`)
  assert.equal(String((await target.receive('message')).getChild('html')), extension)
})

test('a message with no child at all is delivered too: the body is optional (§5.2.3)', async () => {
  const [sender, target] = [await stage.login(), await stage.login()]
  sender.send(`<message id="empty" to="${target.jid}"/>`)
  assert.equal((await target.receive('message')).attrs.id, 'empty')
})
