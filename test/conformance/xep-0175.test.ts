/** SASL ANONYMOUS (RFC 4505) as XEP-0175 wants it: off unless configured, a user of nobody's that leaves nothing behind. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, element, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'

const start = (t: TestScope) => startTestServer(t, { config: { c2s: { anonymous: true } } })
const auth = (text = '') => `<auth xmlns="${NS.sasl}" mechanism="ANONYMOUS">${text}</auth>`
const base64 = (text: string) => Buffer.from(text).toString('base64')
const mechanisms = (features: Element) => childElements(features.getChild('mechanisms', NS.sasl) as Element).map((it) => it.getText())

async function loginAnonymously(server: TestServer, trace = ''): Promise<TestClient> {
  const stream = await server.connect()
  await stream.open()
  stream.send(auth(trace))
  await stream.receive('success')
  await stream.open()
  const client = new TestClient(stream, await stream.bind())
  client.send(element('presence'))
  await client.sync()
  return client
}

test('is not offered and refused as an invalid mechanism unless configured', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const stream = await server.connect()
  assert.ok(!mechanisms(await stream.open()).includes('ANONYMOUS'))
  stream.send(auth())
  assert.ok((await stream.receive('failure')).getChild('invalid-mechanism'))
})

test('is offered last where it is configured', async (t) => {
  const server = await start(t)
  assert.equal(mechanisms(await (await server.connect()).open()).at(-1), 'ANONYMOUS')
})

describe('an anonymous user', () => {
  test('has a JID of its own each time, whatever it says of itself', async (t) => {
    const server = await start(t)
    const jids = new Set<string>()
    for (const trace of ['', '=', base64('romeo@test')]) jids.add((await loginAnonymously(server, trace)).jid.bare().toString())
    assert.equal(jids.size, 3)
    for (const jid of jids) assert.match(jid, /^[0-9a-f-]{36}@test$/)
    assert.equal(await server.accounts.count(), 0)
  })

  test('talks to users of this server, who can answer', async (t) => {
    const server = await start(t)
    const [guest, romeo] = [await loginAnonymously(server), await server.login('romeo')]
    guest.send('<message to="romeo@test" type="chat"><body>help</body></message>')
    const asked = await romeo.receive('message')
    assert.equal(asked.attrs.from, guest.jid.toString())
    romeo.send(`<message to="${guest.jid.bare()}" type="chat"><body>sure</body></message>`)
    assert.equal((await guest.receive('message')).getChildText('body'), 'sure')
    romeo.send(`<presence to="${guest.jid}"><status>here</status></presence>`)
    assert.equal((await guest.receive((el) => el.getName() === 'presence' && el.getChild('status') !== undefined)).attrs.from, romeo.jid.toString())
  })

  test('may look around', async (t) => {
    const server = await start(t)
    const guest = await loginAnonymously(server)
    for (const query of [`<query xmlns="${NS.discoInfo}"/>`, `<ping xmlns="${NS.ping}"/>`]) {
      assert.equal((await guest.request(`<iq type="get" to="test" id="g">${query}</iq>`)).attrs.type, 'result', query)
    }
    const roster = await guest.request(`<iq type="get" id="r"><query xmlns="${NS.roster}"/></iq>`)
    assert.equal(childElements(roster.getChild('query', NS.roster) as Element).length, 0)
  })

  test('is shown as one in service discovery, to anybody and to itself (XEP-0175 section 4)', async (t) => {
    const server = await start(t)
    const [guest, romeo] = [await loginAnonymously(server), await server.login('romeo')]
    for (const asker of [guest, romeo]) {
      const info = await asker.request(`<iq type="get" id="d" to="${guest.jid.bare()}"><query xmlns="${NS.discoInfo}"/></iq>`)
      const { category, type } = info.getChild('query', NS.discoInfo)?.getChild('identity')?.attrs ?? {}
      assert.deepEqual([category, type], ['account', 'anonymous'])
    }
  })

  const refusals: [string, string][] = [
    ['a contact', `<iq type="set" id="x"><query xmlns="${NS.roster}"><item jid="romeo@test"/></query></iq>`],
    ['a registration', `<iq type="set" id="x"><query xmlns="${NS.register}"><username>me</username><password>me</password></query></iq>`],
    ['the form of one', `<iq type="get" id="x" to="test"><query xmlns="${NS.register}"/></iq>`],
    ['a vCard', `<iq type="set" id="x"><vCard xmlns="${NS.vcard}"><FN>me</FN></vCard></iq>`],
    ['private data', `<iq type="set" id="x"><query xmlns="${NS.privateStorage}"><a xmlns="urn:a"/></query></iq>`],
    ['something at another account', `<iq type="set" id="x" to="romeo@test"><vCard xmlns="${NS.vcard}"/></iq>`],
    ['an iq to another server', '<iq type="get" id="x" to="elsewhere.example"><ping xmlns="urn:xmpp:ping"/></iq>'],
  ]
  for (const [what, request] of refusals) {
    test(`is not allowed ${what}, and nothing is stored`, async (t) => {
      const server = await start(t)
      const guest = await loginAnonymously(server)
      assert.equal(errorCondition(await guest.request(request)), 'not-allowed')
      assert.equal(await server.accounts.count(), 0)
      for (const table of ['ofRoster', 'ofVCard', 'ofPrivate']) {
        if (await server.database.forPlugin('beaconfire').knex.schema.hasTable(table))
          assert.deepEqual(await server.database.forPlugin('beaconfire').knex(table).select(), [], table)
      }
    })
  }

  test('is not allowed to write to another server', async (t) => {
    const guest = await loginAnonymously(await start(t))
    guest.send('<message to="romeo@elsewhere.example" id="m"><body>x</body></message>')
    assert.equal(errorCondition(await guest.receive('message')), 'not-allowed')
  })

  test('neither subscribes nor is subscribed to', async (t) => {
    const server = await start(t)
    const [guest, romeo] = [await loginAnonymously(server), await server.login('romeo')]
    guest.send('<presence type="subscribe" to="romeo@test" id="s"/>')
    assert.equal(errorCondition(await guest.receive((el) => el.attrs.id === 's')), 'not-allowed')
    await romeo.receiveNothing('presence')
    romeo.send(`<presence type="subscribe" to="${guest.jid.bare()}"/>`)
    await romeo.sync()
    await guest.receiveNothing((el) => el.attrs.type === 'subscribe')
  })

  test('gets what is sent to it now or never: nothing is kept', async (t) => {
    const server = await start(t)
    const [guest, romeo] = [await loginAnonymously(server), await server.login('romeo')]
    guest.send('<presence type="unavailable"/>')
    await guest.sync()
    const send = async () => {
      romeo.send(`<message to="${guest.jid.bare()}" type="chat" id="m"><body>late</body></message>`)
      return errorCondition(await romeo.receive('message'))
    }
    assert.equal(await send(), 'service-unavailable')
    await guest.close()
    assert.equal(await send(), 'service-unavailable')
    assert.deepEqual(await server.database.forPlugin('beaconfire').knex('ofOffline').select(), [])
    const info = await romeo.request(`<iq type="get" id="i" to="${guest.jid.bare()}"><query xmlns="${NS.vcard}"/></iq>`)
    assert.equal(errorCondition(info), 'service-unavailable')
  })

  test('leaves no row behind when its session ends', async (t) => {
    const server = await start(t)
    const guest = await loginAnonymously(server)
    guest.send('<presence><status>gone soon</status></presence>')
    await guest.sync()
    await guest.close()
    await server.stop()
    const again = await startTestServer(t, { config: { dataFolder: server.dataFolder } })
    const { knex } = again.database.forPlugin('beaconfire')
    for (const table of ['ofPresence', 'ofRoster', 'ofOffline', 'ofUser', 'ofUserFlag']) {
      if (await knex.schema.hasTable(table)) assert.deepEqual(await knex(table).select(), [], table)
    }
  })
})

test('a trace that is too long or not UTF-8 is malformed (RFC 4505 section 2)', async (t) => {
  const server = await start(t)
  const stream = await server.connect()
  await stream.open()
  for (const trace of [base64('x'.repeat(256)), Buffer.from([0xff, 0xfe]).toString('base64')]) {
    stream.send(auth(trace))
    assert.ok((await stream.receive('failure')).getChild('malformed-request'))
  }
  stream.send(auth(base64('ä'.repeat(255))))
  await stream.receive('success')
})
