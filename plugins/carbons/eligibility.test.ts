/** XEP-0280 §6.1, rule by rule. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Message, parseStanza } from '@beaconfire/plugin-sdk'
import { isEligible } from './eligibility.js'

const stanza = (type: string, content: string, from = 'a@test/x') =>
  parseStanza(`<message from="${from}" to="b@test/y" ${type && `type="${type}"`}>${content}</message>`) as Message

const BODY = '<body>hi</body>'
const INVITE = '<x xmlns="http://jabber.org/protocol/muc#user"><invite to="c@test"/></x>'
const PRIVATE_OF_ROOM = '<x xmlns="http://jabber.org/protocol/muc#user"/>'

const rules: readonly [rule: string, type: string, content: string, sent: boolean, received: boolean][] = [
  ['chat', 'chat', '', true, true],
  ['normal with a body', '', BODY, true, true],
  ['normal of unknown type with a body', 'unheard-of', BODY, true, true],
  ['normal without a body', '', '<subject>s</subject>', false, false],
  ['normal with the body of something else', '', '<body xmlns="urn:x"/>', false, false],
  ['headline', 'headline', BODY, false, false],
  ['receipt', '', '<received xmlns="urn:xmpp:receipts" id="1"/>', true, true],
  ['chat state', '', '<composing xmlns="http://jabber.org/protocol/chatstates"/>', true, true],
  ['chat marker', '', '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>', true, true],
  ['groupchat', 'groupchat', BODY, false, false],
  ['direct invitation', '', '<x xmlns="jabber:x:conference" jid="room@muc.test"/>', true, true],
  ['mediated invitation', '', INVITE, true, true],
  ['private message of a room', 'chat', BODY + PRIVATE_OF_ROOM, true, false],
  ['private', 'chat', `${BODY}<private xmlns="urn:xmpp:carbons:2"/>`, false, false],
  ['no-copy', 'chat', `${BODY}<no-copy xmlns="urn:xmpp:hints"/>`, false, false],
  ['private invitation', '', `${INVITE}<private xmlns="urn:xmpp:carbons:2"/>`, false, false],
  ['received copy', 'chat', '<received xmlns="urn:xmpp:carbons:2"/>', false, false],
  ['sent copy', 'chat', '<sent xmlns="urn:xmpp:carbons:2"/>', false, false],
  ['another hint', 'chat', `${BODY}<no-store xmlns="urn:xmpp:hints"/>`, true, true],
]

for (const [rule, type, content, sent, received] of rules) {
  test(`${rule}: ${sent ? 'copied' : 'not copied'} when sent, ${received ? 'copied' : 'not copied'} when received`, () => {
    assert.equal(isEligible(stanza(type, content), 'sent'), sent)
    assert.equal(isEligible(stanza(type, content), 'received'), received)
  })
}
