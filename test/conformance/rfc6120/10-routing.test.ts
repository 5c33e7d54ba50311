/** RFC 6120 §10: in which order stanzas are handled, and where they go by their address. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { definePlugin, NS } from '@beaconfire/plugin-sdk'
import { errorCondition } from '@beaconfire/plugin-sdk/testing'
import offlineStorage from '../../../plugins/offline-storage/index.js'
import ping from '../../../plugins/ping/index.js'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { interested, pushed, seen, subscribe } from '../support/contacts.js'
import { openStage } from '../support/stage.js'

/** Makes some stanzas take longer than others, so that order is no accident. */
const slow = definePlugin({
  name: 'slow',
  version: '1.0.0',
  setup: () => ({
    interceptors: [
      {
        name: 'slow',
        band: 'observe',
        when: { incoming: true, processed: false, stanza: 'message' },
        interceptPacket: ({ packet }) => (packet.hasChild('slow', 'urn:slow') ? new Promise((resolve) => setImmediate(resolve)) : undefined),
      },
    ],
  }),
})
const stage = await openStage({ plugins: [ping, roster, presence, offlineStorage, slow] })
const quiet = () => stage.login({ available: false })

describe('order', () => {
  test('of messages to one recipient is that of sending, by bare and full JID alike, though some take longer (§10.1)', async () => {
    const [sender, target] = [await quiet(), await stage.login()]
    const wait = '<slow xmlns="urn:slow"/>'
    for (let i = 0; i < 100; i++) {
      sender.send(`<message type="chat" to="${i % 2 ? target.jid : target.jid.bare()}"><body>${i}</body>${i % 7 ? '' : wait}</message>`)
    }
    const bodies: (string | undefined)[] = []
    for (let i = 0; i < 100; i++) bodies.push((await target.receive('message')).getChildText('body') ?? undefined)
    assert.deepEqual(
      bodies,
      Array.from({ length: 100 }, (_, i) => String(i)),
    )
  })

  test('of messages kept for a user is that of sending (§10.1)', async () => {
    const [sender, account] = [await quiet(), await stage.account()]
    for (let i = 0; i < 50; i++) sender.send(`<message type="chat" to="${account}"><body>${i}</body></message>`)
    await sender.sync()
    const target = await stage.another(account)
    const bodies: (string | undefined)[] = []
    for (let i = 0; i < 50; i++) bodies.push((await target.receive('message')).getChildText('body') ?? undefined)
    assert.deepEqual(
      bodies,
      Array.from({ length: 50 }, (_, i) => String(i)),
    )
  })

  test('of requests is that of their answers (§10.1)', async () => {
    const client = await quiet()
    for (let i = 0; i < 20; i++) client.send(`<iq type="get" id="${i}" ${i % 2 ? 'to="test"' : ''}><ping xmlns="urn:xmpp:ping"/></iq>`)
    const ids: unknown[] = []
    for (let i = 0; i < 20; i++) ids.push((await client.receive('iq')).attrs.id)
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, i) => String(i)),
    )
  })

  test('is kept where one stanza bears on the next: what a roster set did, the following get shows (§10.1)', async () => {
    const client = await quiet()
    client.send('<iq type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="a@b"/></query></iq>')
    client.send('<iq type="get" id="g"><query xmlns="jabber:iq:roster"/></iq>')
    const answer = await client.receive((el) => el.attrs.id === 'g')
    assert.equal(answer.getChild('query')?.children.length, 1)
  })
})

describe('without an address', () => {
  test('a message is one to the own bare JID (§10.3.1)', async () => {
    const client = await stage.login()
    const other = await stage.another(client)
    client.send('<message type="chat"><body>note</body></message>')
    for (const it of [client, other]) assert.equal((await it.receive('message')).getChildText('body'), 'note')
  })

  test('presence is broadcast to subscribers (§10.3.2)', async () => {
    const [client, contact] = [await interested(await stage.login()), await interested(await stage.login())]
    await subscribe(contact, client)
    client.send('<presence><status>all</status></presence>')
    assert.equal(await seen(contact), `available ${client.jid} all`)
  })

  test('an iq is answered for the account: by who knows the namespace, else with service-unavailable (§10.3.3)', async () => {
    const client = await quiet()
    const known = await client.request('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')
    assert.equal(known.attrs.type, 'result')
    assert.equal(errorCondition(await client.request('<iq type="get"><query xmlns="urn:nobody"/></iq>')), 'service-unavailable')
  })

  test('an iq that is an answer to nothing is ignored (§10.3.3)', async () => {
    const client = await quiet()
    client.send('<iq type="result" id="x"/><iq type="error" id="y"><error type="cancel"/></iq>')
    await client.receiveNothing()
  })
})

describe('to another domain', () => {
  for (const [kind, xml] of [
    ['a message', '<message id="1" type="chat" to="a@elsewhere.example"><body>1</body></message>'],
    ['presence', '<presence id="1" to="a@elsewhere.example"/>'],
    ['a request', '<iq id="1" type="get" to="elsewhere.example"><ping xmlns="urn:xmpp:ping"/></iq>'],
  ] as const) {
    test(`${kind} that cannot be routed is answered with remote-server-not-found (§10.4.3)`, async () => {
      const client = await quiet()
      client.send(xml)
      const error = await client.receive((el) => el.attrs.id === '1')
      assert.deepEqual([error.attrs.type, errorCondition(error)], ['error', 'remote-server-not-found'])
    })
  }
})

describe('to the server', () => {
  for (const to of ['test', 'test/resource', 'TEST', 'test.']) {
    test(`at "${to}", a request is answered, and one nobody understands is refused (§10.5.1, §10.5.2)`, async () => {
      const client = await quiet()
      assert.equal((await client.request(`<iq type="get" to="${to}"><ping xmlns="urn:xmpp:ping"/></iq>`)).attrs.type, 'result')
      assert.equal(errorCondition(await client.request(`<iq type="get" to="${to}"><query xmlns="urn:nobody"/></iq>`)), 'service-unavailable')
    })
  }

  test('a message is answered with an error, presence with nothing (§10.5.1)', async () => {
    const client = await quiet()
    client.send('<message id="m" to="test"><body>hello</body></message><presence to="test"/><presence type="unavailable" to="test"/>')
    assert.equal(errorCondition(await client.receive('message')), 'service-unavailable')
    await client.receiveNothing()
  })
})

describe('to an address here', () => {
  test('that no account has, a message and an iq are answered with service-unavailable, presence with nothing (§10.5.3.1)', async () => {
    const client = await quiet()
    client.send('<message id="m" type="chat" to="nobody@test"><body>1</body></message><presence to="nobody@test"/>')
    assert.equal(errorCondition(await client.receive('message')), 'service-unavailable')
    assert.equal(errorCondition(await client.request('<iq type="get" to="nobody@test"><ping xmlns="urn:xmpp:ping"/></iq>')), 'service-unavailable')
    await client.receiveNothing()
  })

  test('that a connected resource has, every kind of stanza reaches that resource alone (§10.5.4)', async () => {
    const [client, target] = [await quiet(), await quiet()]
    const other = await stage.another(target)
    client.send(`<message to="${target.jid}"/><presence to="${target.jid}"/><iq type="get" id="q" to="${target.jid}"><x xmlns="urn:x"/></iq>`)
    for (const kind of ['message', 'presence', 'iq']) assert.equal((await target.receive(kind)).attrs.from, client.jid.toString())
    await other.receiveNothing()
  })

  test('of a resource that is gone, a chat message reaches the others of the account (§10.5.4, RFC 6121 §8.5.3.2.1)', async () => {
    const [client, target] = [await quiet(), await stage.login()]
    client.send(`<message type="chat" to="${target.jid.bare()}/gone"><body>1</body></message>`)
    assert.equal((await target.receive('message')).getChildText('body'), '1')
  })
})

test('a stream of stanzas goes on over everything that was refused on it', async () => {
  const client = await interested(await quiet())
  client.send('<iq id="1"/><message to="@"/><presence type="x"/><iq type="get" id="2" to="elsewhere.example"><x xmlns="urn:x"/></iq>')
  client.send(`<iq type="set" id="3"><query xmlns="${NS.roster}"><item jid="a@b"/></query></iq>`)
  assert.equal(await pushed(client), 'a@b none')
})
