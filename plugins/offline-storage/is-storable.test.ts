import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Message, parseStanza } from '@beaconfire/plugin-sdk'
import { type Fate, fateOf } from './is-storable.js'

const BODY = '<body>x</body>'
const COMPOSING = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'
const RECEIPT = '<received xmlns="urn:xmpp:receipts" id="1"/>'
const MARKER = '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>'
const hint = (name: string) => `<${name} xmlns="urn:xmpp:hints"/>`

const cases: [what: string, type: string, content: string, Fate][] = [
  ['a chat message with a body', 'chat', BODY, 'keep'],
  ['a chat message with a body and a chat state', 'chat', BODY + COMPOSING, 'keep'],
  ['a receipt', 'chat', RECEIPT, 'ignore'],
  ['a receipt in a normal message', 'normal', RECEIPT, 'ignore'],
  ['a receipt whose sender wants it kept', 'chat', RECEIPT + hint('store'), 'keep'],
  ['a marker', 'chat', MARKER, 'ignore'],
  ['a marker with a state', 'normal', MARKER + COMPOSING, 'ignore'],
  ['a request for a receipt without anything to receive', 'chat', '<request xmlns="urn:xmpp:receipts"/>', 'ignore'],
  [
    'a chat message that wants a receipt and a marker',
    'chat',
    `${BODY}<request xmlns="urn:xmpp:receipts"/><markable xmlns="urn:xmpp:chat-markers:0"/>`,
    'keep',
  ],
  ['a subject that wants a receipt', 'normal', '<subject>s</subject><request xmlns="urn:xmpp:receipts"/>', 'keep'],
  ['an encrypted message without body', 'chat', '<encrypted xmlns="eu.siacs.conversations.axolotl"/>', 'keep'],
  ['a chat state alone', 'chat', COMPOSING, 'ignore'],
  ['a chat state with thread and origin id', 'chat', `${COMPOSING}<thread>t</thread><origin-id xmlns="urn:xmpp:sid:0" id="1"/>`, 'ignore'],
  ['text that is being typed', 'chat', '<rtt xmlns="urn:xmpp:rtt:0"/>', 'ignore'],
  ['a chat message with an empty body', 'chat', '<body/>', 'ignore'],
  ['a normal message without body', 'normal', '<subject>s</subject>', 'keep'],
  ['an empty normal message', 'normal', '', 'keep'],
  ['a chat state in a normal message', 'normal', COMPOSING, 'ignore'],
  ['a message that must not be stored', 'chat', BODY + hint('no-store'), 'refuse'],
  ['a state that must not be stored', 'chat', COMPOSING + hint('no-store'), 'ignore'],
  ['a receipt that must not be stored', 'normal', RECEIPT + hint('no-store'), 'ignore'],
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
