import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStanza } from '@beaconfire/plugin-sdk'
import { waitingKey } from './can-wait.js'

const ALL = { presence: true, chatStates: true, pubsub: true }
const NONE = { presence: false, chatStates: false, pubsub: false }
const key = (xml: string, waiting = ALL) => waitingKey(parseStanza(xml), waiting)

const COMPOSING = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'
const PAUSED = '<paused xmlns="http://jabber.org/protocol/chatstates"/>'
const message = (content: string, attributes = 'type="chat"') => `<message from="a@x/r" to="b@x/r" ${attributes}>${content}</message>`
const event = (content: string) => message(`<event xmlns="http://jabber.org/protocol/pubsub#event">${content}</event>`, 'type="headline"')
const room = (content: string) => `<presence from="room@x/me"><x xmlns="http://jabber.org/protocol/muc#user"><item/>${content}</x></presence>`
const carbon = (content: string, direction = 'received') =>
  message(
    `<${direction} xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="c@x" to="b@x" type="chat">${content}</message></forwarded></${direction}>`,
  )

const waits: [what: string, xml: string][] = [
  ['presence', '<presence from="a@x/r"/>'],
  ['unavailable presence', '<presence from="a@x/r" type="unavailable"/>'],
  ['presence of an occupant of a room', room('')],
  ['a chat state', message(COMPOSING)],
  [
    'a chat state with thread, ids and hints',
    message(`${COMPOSING}<thread>t</thread><stanza-id xmlns="urn:xmpp:sid:0"/><no-store xmlns="urn:xmpp:hints"/>`),
  ],
  ['a chat state in a room', message(COMPOSING, 'type="groupchat"')],
  ['a copy of a chat state', carbon(COMPOSING)],
  ['a published item', event('<items node="n"><item id="1"/></items>')],
  ['a retracted item', event('<items node="n"><retract id="1"/></items>')],
]
const goesAtOnce: [what: string, xml: string][] = [
  ['a request to subscribe', '<presence from="a@x" type="subscribe"/>'],
  ['the end of a subscription', '<presence from="a@x" type="unsubscribed"/>'],
  ['an error in a room', '<presence from="room@x/me" type="error"/>'],
  ['the own presence in a room', room('<status code="110"/>')],
  ['the end of a room', room('<destroy/>')],
  ['an iq', '<iq type="get" id="1"><ping xmlns="urn:xmpp:ping"/></iq>'],
  ['a message with a body', message('<body>x</body>')],
  ['a body with a chat state', message(`<body>x</body>${COMPOSING}`)],
  ['a subject with a chat state', message(`<subject>x</subject>${COMPOSING}`, 'type="groupchat"')],
  ['a chat state with something unknown', message(`${COMPOSING}<x xmlns="urn:test"/>`)],
  ['an error that holds a chat state', message(COMPOSING, 'type="error"')],
  ['a receipt', message('<received xmlns="urn:xmpp:receipts" id="1"/>')],
  ['a copy of a message', carbon('<body>x</body>')],
  ['a copy of nothing', message('<received xmlns="urn:xmpp:carbons:2"/>')],
  ['what only looks like a copy', message('<private xmlns="urn:xmpp:carbons:2"/>')],
  ['a node that was emptied', event('<purge node="n"/>')],
  ['a node that is gone', event('<delete node="n"/>')],
  ['an event without anything', event('')],
  ['an event with a body', message('<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="n"/></event><body>x</body>')],
]

for (const [what, xml] of waits) {
  test(`${what} can wait, unless the operator does not want it`, () => {
    assert.notEqual(key(xml), undefined)
    assert.equal(key(xml, NONE), undefined)
  })
}
for (const [what, xml] of goesAtOnce) {
  test(`${what} cannot wait`, () => assert.equal(key(xml), undefined))
}

test('a later stanza takes the place of an earlier one about the same, and of no other', () => {
  const same: [string, string][] = [
    ['<presence from="a@x/r"/>', '<presence from="a@x/r" type="unavailable"/>'],
    [message(COMPOSING), message(PAUSED)],
    [carbon(COMPOSING), carbon(PAUSED)],
    [event('<items node="n"><item id="1"/></items>'), event('<items node="n"><retract id="1"/></items>')],
  ]
  for (const [earlier, later] of same) assert.equal(key(earlier), key(later))
  const different = [
    '<presence from="a@x/r"/>',
    '<presence from="a@x/s"/>',
    message(COMPOSING),
    message(COMPOSING, 'type="groupchat"'),
    carbon(COMPOSING),
    event('<items node="n"><item id="1"/></items>'),
    event('<items node="n"><item id="2"/></items>'),
    event('<items node="n"><item id="1"/><item id="2"/></items>'),
    event('<items node="m"><item id="1"/></items>'),
  ]
  assert.equal(new Set(different.map((it) => key(it))).size, different.length)
})

test('a stanza that others share is not changed by looking at it', () => {
  for (const xml of [carbon(COMPOSING), event('<items node="n"><item id="1"/></items>'), room('')]) {
    const stanza = parseStanza(xml)
    const before = stanza.toString()
    waitingKey(stanza, ALL)
    assert.equal(stanza.toString(), before)
  }
})
