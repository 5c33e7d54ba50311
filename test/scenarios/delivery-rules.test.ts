/** Where stanzas go: RFC 6121 §8.5 over sockets. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errorCondition, startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import offlineStorage from '../../plugins/offline-storage/index.js'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const shipped = [ping, roster, presence, offlineStorage]
const start = (t: TestScope, config = {}) => startTestServer(t, { plugins: shipped, config })

describe('a message to a bare JID', () => {
  test('reaches all available resources whose priority is not negative, and no other', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    const [a, b] = [await server.login('juliet', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
    const negative = await server.login('juliet', { resource: 'negative', available: false })
    negative.send('<presence><priority>-1</priority></presence>')
    const connected = await server.login('juliet', { resource: 'connected', available: false })
    await negative.sync()
    romeo.send('<message to="juliet@test" type="chat"><body>1</body></message>')
    await Promise.all([a.receive('message'), b.receive('message')])
    await romeo.sync()
    await negative.receiveNothing('message')
    await connected.receiveNothing('message')
  })

  test('reaches the highest priority alone where so configured', async (t) => {
    const server = await start(t, { route: { allResources: false } })
    const romeo = await server.login('romeo')
    const low = await server.login('juliet', { resource: 'low' })
    const high = await server.login('juliet', { resource: 'high', available: false })
    high.send('<presence><priority>5</priority></presence>')
    await high.sync()
    romeo.send('<message to="juliet@test" type="chat"><body>1</body></message>')
    await high.receive('message')
    await romeo.sync()
    await low.receiveNothing('message')
  })

  test('is kept while only resources of negative priority are there, and handed over when one rises', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    const juliet = await server.login('juliet', { available: false })
    juliet.send('<presence><priority>-1</priority></presence>')
    await juliet.sync()
    romeo.send('<message to="juliet@test" type="chat"><body>kept</body></message>')
    await romeo.sync()
    await juliet.receiveNothing('message')
    juliet.send('<presence><priority>0</priority></presence>')
    assert.equal((await juliet.receive('message')).getChildText('body'), 'kept')
  })

  test('of type groupchat is answered with service-unavailable, of type headline or error to an absent user with nothing', async (t) => {
    const server = await start(t)
    await server.accounts.create({ username: 'juliet', password: 'juliet' })
    const romeo = await server.login('romeo')
    romeo.send('<message id="1" to="juliet@test" type="groupchat"><body>1</body></message>')
    romeo.send('<message id="2" to="juliet@test" type="headline"><body>1</body></message>')
    romeo.send('<message id="3" to="juliet@test" type="error"><body>1</body></message>')
    const error = await romeo.receive('message')
    assert.deepEqual([error.attrs.id, errorCondition(error)], ['1', 'service-unavailable'])
    await romeo.receiveNothing('message')
    const juliet = await server.login('juliet')
    await juliet.receiveNothing('message')
  })

  test('to an account that does not exist is answered with service-unavailable', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    romeo.send('<message id="1" to="nobody@test" type="chat"><body>1</body></message>')
    assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
  })
})

describe('a message to a full JID', () => {
  test('reaches that resource, available or not', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    const juliet = await server.login('juliet', { resource: 'balcony', available: false })
    romeo.send('<message to="juliet@test/balcony"><body>1</body></message>')
    await juliet.receive('message')
  })

  test('that is gone goes to the account when it is chat, and is answered when it is normal or groupchat', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    const juliet = await server.login('juliet', { resource: 'balcony' })
    romeo.send('<message id="1" to="juliet@test/gone" type="chat"><body>chat</body></message>')
    romeo.send('<message id="2" to="juliet@test/gone"><body>normal</body></message>')
    romeo.send('<message id="3" to="juliet@test/gone" type="groupchat"><body>groupchat</body></message>')
    assert.equal((await juliet.receive('message')).getChildText('body'), 'chat')
    const errors = [await romeo.receive('message'), await romeo.receive('message')]
    assert.deepEqual(
      errors.map((it) => [it.attrs.id, errorCondition(it)]),
      [
        ['2', 'service-unavailable'],
        ['3', 'service-unavailable'],
      ],
    )
    await juliet.receiveNothing('message')
  })
})

describe('an iq', () => {
  test('to a full JID reaches that resource and its answer comes back', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    const juliet = await server.login('juliet')
    const answer = romeo.request(`<iq type="get" id="q" to="${juliet.jid}"><query xmlns="urn:any"/></iq>`)
    const asked = await juliet.receive('iq')
    juliet.send(`<iq type="result" id="${asked.attrs.id}" to="${asked.attrs.from}"/>`)
    assert.equal((await answer).attrs.from, juliet.jid.toString())
  })

  test('to a resource that is gone, an unknown account or an unknown namespace is answered with service-unavailable', async (t) => {
    const server = await start(t)
    await server.accounts.create({ username: 'juliet', password: 'juliet' })
    const romeo = await server.login('romeo')
    for (const to of ['juliet@test/gone', 'juliet@test', 'nobody@test', 'nobody@test/x', 'test', 'test/x']) {
      const answer = await romeo.request(`<iq type="get" id="q-${to}" to="${to}"><query xmlns="urn:any"/></iq>`)
      assert.equal(errorCondition(answer), 'service-unavailable', to)
    }
  })

  test('that is none by its form is answered with bad-request', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    for (const iq of [
      '<iq type="get" id="a"/>',
      '<iq type="set" id="b"><x xmlns="urn:x"/><y xmlns="urn:y"/></iq>',
      '<iq type="ask" id="c"><x xmlns="urn:x"/></iq>',
    ]) {
      romeo.send(iq)
      assert.equal(errorCondition(await romeo.receive('iq')), 'bad-request', iq)
    }
  })

  test('that is an answer nobody waits for is dropped without an answer', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    romeo.send('<iq type="result" id="x" to="test"/>')
    romeo.send('<iq type="error" id="y" to="nobody@test/x"><error type="cancel"/></iq>')
    await romeo.receiveNothing('iq')
  })
})

test('a stanza to another domain is answered with remote-server-not-found while nobody can take it there', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  romeo.send('<message id="1" to="juliet@elsewhere.example" type="chat"><body>1</body></message>')
  assert.equal(errorCondition(await romeo.receive('message')), 'remote-server-not-found')
})

test('an address that is none is answered with jid-malformed, and the session goes on', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  for (const to of ['@test', 'a b@test', 'juliet@', 'juliet@test/', 'x'.repeat(1100)]) {
    romeo.send(`<message id="1" to="${to}"><body>1</body></message>`)
    assert.equal(errorCondition(await romeo.receive('message')), 'jid-malformed', to)
  }
})

test('xml:lang of the stream is put on stanzas that say none (RFC 6120 section 8.1.5)', async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  const stream = await server.connect()
  await server.accounts.create({ username: 'romeo', password: 'romeo' })
  await stream.open({ 'xml:lang': 'it' })
  await stream.authenticate('PLAIN', 'romeo', 'romeo')
  await stream.open({ 'xml:lang': 'it' })
  await stream.bind()
  stream.send('<message to="juliet@test" type="chat"><body>ciao</body></message>')
  stream.send('<message to="juliet@test" type="chat" xml:lang="en"><body>hi</body></message>')
  assert.deepEqual([(await juliet.receive('message')).attrs['xml:lang'], (await juliet.receive('message')).attrs['xml:lang']], ['it', 'en'])
})
