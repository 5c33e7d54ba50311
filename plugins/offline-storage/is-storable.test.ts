import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Message, parseStanza } from '@beaconfire/plugin-sdk'
import { type Fate, fateOf } from './is-storable.js'

const BODY = '<body>x</body>'
const COMPOSING = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'
const RECEIPT = '<received xmlns="urn:xmpp:receipts" id="1"/>'
const hint = (name: string) => `<${name} xmlns="urn:xmpp:hints"/>`

const cases: [what: string, type: string, content: string, Fate][] = [
  ['a chat message with a body', 'chat', BODY, 'keep'],
  ['a chat message with a body and a chat state', 'chat', BODY + COMPOSING, 'keep'],
  ['a receipt', 'chat', RECEIPT, 'keep'],
  ['an encrypted message without body', 'chat', '<encrypted xmlns="eu.siacs.conversations.axolotl"/>', 'keep'],
  ['a chat state alone', 'chat', COMPOSING, 'ignore'],
  ['a chat state with thread and origin id', 'chat', `${COMPOSING}<thread>t</thread><origin-id xmlns="urn:xmpp:sid:0" id="1"/>`, 'ignore'],
  ['text that is being typed', 'chat', '<rtt xmlns="urn:xmpp:rtt:0"/>', 'ignore'],
  ['a chat message with an empty body', 'chat', '<body/>', 'ignore'],
  ['a normal message without body', 'normal', '<subject>s</subject>', 'keep'],
  ['an empty normal message', 'normal', '', 'keep'],
  ['a chat state in a normal message', 'normal', COMPOSING, 'ignore'],
  ['a message that must not be stored', 'chat', BODY + hint('no-store'), 'refuse'],
  ['a message that must not be archived may still wait', 'chat', BODY + hint('no-permanent-store'), 'keep'],
  ['a message without body that asks to be stored', 'chat', hint('store'), 'keep'],
  ['a received carbon', 'chat', `<received xmlns="urn:xmpp:carbons:2"/>${BODY}`, 'ignore'],
  ['a sent carbon', 'chat', '<sent xmlns="urn:xmpp:carbons:2"/>', 'ignore'],
  ['a message served by XEP-0013', 'chat', `${BODY}<offline xmlns="http://jabber.org/protocol/offline"/>`, 'ignore'],
  ['a message to a room', 'groupchat', BODY, 'refuse'],
  ['a headline', 'headline', BODY, 'refuse'],
  ['an error', 'error', BODY, 'refuse'],
]

for (const [what, type, content, fate] of cases) {
  test(`${what}: ${fate}`, () => {
    assert.equal(fateOf(parseStanza(`<message type="${type}">${content}</message>`) as Message), fate)
  })
}
