/** The blocking command over sockets (XEP-0191): who is kept from whom, what both sides see of it, and bad requests. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, definePlugin, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import disco from '../../plugins/disco/index.js'
import offline from '../../plugins/offline-storage/index.js'
import presence from '../../plugins/presence/index.js'
import privacy from '../../plugins/privacy/index.js'
import roster from '../../plugins/roster/index.js'
import vcard from '../../plugins/vcard/index.js'
import { befriend } from './support/contacts.js'

const start = (t: TestScope, config = {}) => startTestServer(t, { plugins: [roster, presence, privacy, disco, offline, vcard], config })

const items = (jids: readonly string[]) => jids.map((jid) => `<item jid="${jid}"/>`).join('')
const block = (client: TestClient, ...jids: string[]) =>
  client.request(`<iq type="set" id="block"><block xmlns="urn:xmpp:blocking">${items(jids)}</block></iq>`)
const unblock = (client: TestClient, ...jids: string[]) =>
  client.request(`<iq type="set" id="unblock"><unblock xmlns="urn:xmpp:blocking">${items(jids)}</unblock></iq>`)
const listed = (el: Element) => childElements(el).map((item) => String(item.attrs.jid))
const blockList = async (client: TestClient) => {
  const answer = await client.request('<iq type="get" id="list"><blocklist xmlns="urn:xmpp:blocking"/></iq>')
  return listed(findChild(answer, 'blocklist', NS.blocking) as Element)
}
const type = async (answer: Promise<Element>) => (await answer).attrs.type
/** Takes the next push. @returns such as `block romeo@test` */
async function pushed(client: TestClient): Promise<string> {
  const push = await client.receive((el) => el.getName() === 'iq' && el.attrs.type === 'set', 'a push')
  const [payload] = childElements(push) as [Element]
  assert.equal(payload.getNS(), NS.blocking)
  return [payload.getName(), ...listed(payload)].join(' ')
}
const seen = async (client: TestClient) => {
  const { attrs } = await client.receive('presence')
  return `${attrs.type ?? 'available'} ${attrs.from}`
}

async function couple(server: TestServer): Promise<[TestClient, TestClient]> {
  const [juliet, romeo] = [await server.login('juliet', { resource: 'balcony' }), await server.login('romeo', { resource: 'orchard' })]
  await befriend(juliet, romeo)
  return [juliet, romeo]
}

test('the server says that it blocks, and an empty list is an empty list (§3.1, §3.2)', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  const info = await juliet.request('<iq type="get" to="test" id="d"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  const features = childElements(findChild(info, 'query', NS.discoInfo) as Element).map((it) => it.attrs.var)
  assert.ok(features.includes('urn:xmpp:blocking') && features.includes('jabber:iq:privacy'))
  assert.deepEqual(await blockList(juliet), [])
})

test('blocked addresses are listed, pushed to resources that asked for the list, and stay blocked (§3.2 to §3.5)', async (t) => {
  const server = await start(t)
  const [a, b, c] = [await server.login('juliet', { resource: 'a' }), await server.login('juliet'), await server.login('juliet')]
  await blockList(a)
  await blockList(b)
  assert.equal(await type(block(a, 'romeo@test', 'IAGO@elsewhere', 'romeo@test')), 'result')
  for (const client of [a, b]) assert.equal(await pushed(client), 'block romeo@test iago@elsewhere')
  assert.deepEqual(await blockList(c), ['romeo@test', 'iago@elsewhere'])
  assert.equal(await type(unblock(b, 'iago@elsewhere')), 'result')
  for (const client of [a, b, c]) assert.equal(await pushed(client), 'unblock iago@elsewhere')
  await a.close()
  assert.deepEqual(await blockList(await server.login('juliet', { resource: 'a' })), ['romeo@test'])
  await block(b, 'tybalt@test')
  assert.equal(await pushed(c), 'block tybalt@test')
  assert.equal(await type(unblock(c)), 'result')
  assert.equal(await pushed(c), 'unblock')
  assert.deepEqual(await blockList(c), [])
})

test('the answer comes before the push', async (t) => {
  const juliet = await (await start(t)).login('juliet')
  await blockList(juliet)
  juliet.stream.discard(() => true)
  juliet.send('<iq type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="romeo@test"/></block></iq>')
  assert.equal((await juliet.receive('iq')).attrs.id, 'b')
  assert.equal(await pushed(juliet), 'block romeo@test')
})

describe('what the blocked one sends (§3.3)', () => {
  test('is answered as if nobody was there, or not at all, and never arrives', async (t) => {
    const [juliet, romeo] = await couple(await start(t))
    await block(juliet, 'romeo@test')
    assert.equal(await seen(romeo), 'unavailable juliet@test/balcony')
    for (const to of ['juliet@test', 'juliet@test/balcony']) {
      romeo.send(`<message to="${to}" type="chat" id="m"><body>Can you hear me?</body></message>`)
      const bounce = await romeo.receive('message')
      assert.deepEqual([bounce.attrs.from, bounce.attrs.id, errorCondition(bounce)], [to, 'm', 'service-unavailable'])
      const answer = await romeo.request(`<iq type="get" to="${to}" id="v"><vCard xmlns="vcard-temp"/></iq>`)
      assert.equal(errorCondition(answer), 'service-unavailable')
      romeo.send(`<presence to="${to}"/>`)
      romeo.send(`<presence to="${to}" type="probe"/>`)
      romeo.send(`<iq type="result" to="${to}" id="r"/>`)
      romeo.send(`<message type="error" to="${to}" id="e"/>`)
    }
    romeo.send('<presence><show>away</show></presence>')
    romeo.send('<presence type="subscribe" to="juliet@test"/>')
    await romeo.sync()
    await juliet.receiveNothing()
    romeo.stream.discard((el) => el.attrs.from === romeo.jid.toString() || el.attrs.type === 'set')
    await romeo.receiveNothing()
  })

  test('is not kept for later', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    await block(juliet, 'romeo@test')
    await juliet.close()
    romeo.send('<message to="juliet@test" type="chat"><body>Later, then</body></message>')
    assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
    romeo.send('<presence to="juliet@test" type="subscribe"/>')
    await romeo.sync()
    await (await server.login('juliet')).receiveNothing()
  })

  test('a request for a subscription is taken as if the contact did not answer: the asking roster has it', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = [await server.login('juliet'), await server.login('romeo')]
    await block(juliet, 'romeo@test')
    await romeo.request('<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>')
    romeo.send('<presence to="juliet@test" type="subscribe"/>')
    const push = await romeo.receive((el) => el.attrs.type === 'set')
    assert.equal(findChild(push, 'query', NS.roster)?.getChild('item')?.attrs.ask, 'subscribe')
    await juliet.receiveNothing()
  })

  test('what was kept before is not handed over while he is blocked', async (t) => {
    const server = await start(t)
    const romeo = await server.login('romeo')
    await (await server.login('juliet')).close({ unavailable: true })
    romeo.send('<message to="juliet@test" type="chat"><body>early</body></message>')
    await romeo.sync()
    const juliet = await server.login('juliet', { available: false })
    await block(juliet, 'romeo@test')
    juliet.send('<presence/>')
    await juliet.sync()
    juliet.stream.discard('presence')
    await juliet.receiveNothing()
  })
})

describe('what the user sends to a blocked address (§3.3)', () => {
  test('is refused, and says that this is why', async (t) => {
    const [juliet, romeo] = await couple(await start(t))
    await block(juliet, 'romeo@test')
    await seen(romeo)
    const sent = [
      '<message to="romeo@test" type="chat" id="1"><body>Can you hear me now?</body></message>',
      '<iq to="romeo@test/orchard" type="get" id="1"><query xmlns="jabber:iq:version"/></iq>',
      '<presence to="romeo@test" id="1"/>',
      '<presence to="romeo@test" type="subscribe" id="1"/>',
    ]
    for (const stanza of sent) {
      juliet.send(stanza)
      const refused = await juliet.receive((el) => el.attrs.type === 'error')
      assert.equal(errorCondition(refused), 'not-acceptable')
      assert.equal(refused.attrs.from, stanza.includes('orchard') ? 'romeo@test/orchard' : 'romeo@test')
      const error = findChild(refused, 'error')
      assert.equal(error?.attrs.type, 'cancel')
      assert.ok(error && findChild(error, 'blocked', NS.blockingErrors), String(refused))
    }
    juliet.send('<presence><status>hidden</status></presence>')
    await juliet.sync()
    await romeo.receiveNothing()
  })
})

describe('presence of the user (§3.3, §3.4)', () => {
  test('goes when a contact is blocked, does not come at login, and is back when the contact is unblocked', async (t) => {
    const server = await start(t)
    const [juliet, romeo] = await couple(server)
    await block(juliet, 'romeo@test')
    assert.equal(await seen(romeo), 'unavailable juliet@test/balcony')
    const second = await server.login('romeo', { resource: 'second' })
    await second.receiveNothing((el) => el.attrs.from !== romeo.jid.toString())
    juliet.stream.discard(() => true)
    await juliet.receiveNothing()
    await unblock(juliet, 'romeo@test')
    for (const client of [romeo, second]) {
      const shown = await client.receive((el) => el.attrs.from === juliet.jid.toString())
      assert.equal(shown.attrs.type, undefined)
    }
    romeo.send('<message to="juliet@test" type="chat"><body>And now?</body></message>')
    assert.equal((await juliet.receive('message')).getChildText('body'), 'And now?')
  })

  test('is not sent to those who may not see it', async (t) => {
    const server = await start(t)
    const [juliet, stranger] = [await server.login('juliet'), await server.login('stranger')]
    await block(juliet, 'stranger@test')
    await unblock(juliet)
    await stranger.receiveNothing()
  })

  test('that was directed at somebody is taken back from them', async (t) => {
    const server = await start(t)
    const [juliet, stranger] = [await server.login('juliet', { resource: 'balcony' }), await server.login('stranger')]
    juliet.send(`<presence to="${stranger.jid}"/>`)
    assert.equal(await seen(stranger), 'available juliet@test/balcony')
    await block(juliet, 'stranger@test')
    assert.equal(await seen(stranger), 'unavailable juliet@test/balcony')
    await juliet.close()
    await stranger.receiveNothing()
  })

  test('that was directed at an occupant of what is blocked as a whole is taken back too', async (t) => {
    const heard: string[] = []
    const rooms = definePlugin({
      name: 'rooms',
      version: '1.0.0',
      setup: () => ({ domains: [{ subdomain: 'rooms', handle: ({ stanza }) => void heard.push(`${stanza.type} ${stanza.to}`) }] }),
    })
    const server = await startTestServer(t, { plugins: [roster, presence, privacy, rooms] })
    const juliet = await server.login('juliet')
    juliet.send('<presence to="globe@rooms.test/nick"/>')
    await block(juliet, 'globe@rooms.test')
    const asked = await juliet.request('<iq type="get" to="globe@rooms.test" id="i"><query xmlns="urn:x"/></iq>')
    assert.equal(errorCondition(asked), 'not-acceptable')
    await unblock(juliet)
    await juliet.close()
    await (await server.login('romeo')).sync()
    assert.deepEqual(
      heard,
      ['available', 'unavailable', 'available', 'unavailable'].map((type) => `${type} globe@rooms.test/nick`),
    )
  })
})

describe('addresses (§6)', () => {
  test('a resource alone, an account, or all of a domain but the server itself', async (t) => {
    const server = await start(t)
    const [juliet, romeo, other] = [
      await server.login('juliet'),
      await server.login('romeo', { resource: 'orchard' }),
      await server.login('romeo', { resource: 'other' }),
    ]
    const hears = async (from: TestClient) => {
      from.send('<message to="juliet@test" type="chat" id="m"><body>x</body></message>')
      await from.sync()
      const bounced = from.stream.queued('message').length
      from.stream.discard('message')
      await juliet.sync()
      juliet.stream.discard('message')
      return bounced === 0
    }
    await block(juliet, 'romeo@test/orchard')
    assert.deepEqual([await hears(romeo), await hears(other)], [false, true])
    await unblock(juliet)
    await block(juliet, 'test')
    assert.deepEqual([await hears(romeo), await hears(other)], [false, false])
    assert.equal(await type(juliet.request('<iq type="get" to="test" id="d"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')), 'result')
    assert.deepEqual(await blockList(juliet), ['test'])
  })

  test("of the user's own resources keep nothing from them", async (t) => {
    const server = await start(t)
    const [a, b] = [await server.login('juliet', { resource: 'a' }), await server.login('juliet', { resource: 'b' })]
    await block(a, 'juliet@test', 'juliet@test/b', 'test')
    b.send('<message to="juliet@test/a" type="chat"><body>self</body></message>')
    assert.equal((await a.receive('message')).getChildText('body'), 'self')
    b.send('<presence><show>dnd</show></presence>')
    assert.equal((await a.receive((el) => el.getName() === 'presence' && !!el.getChild('show'))).attrs.from, 'juliet@test/b')
  })
})

test('a request that is wrong changes nothing (§3.3)', async (t) => {
  const juliet = await (await start(t, { plugins: { settings: { privacy: { maxItems: 3 } } } })).login('juliet')
  await block(juliet, 'iago@test')
  const wrong: readonly [request: string, condition: string][] = [
    ['<block xmlns="urn:xmpp:blocking"/>', 'bad-request'],
    ['<block xmlns="urn:xmpp:blocking"><item/></block>', 'bad-request'],
    ['<block xmlns="urn:xmpp:blocking"><item jid="a@b"/><jid>c@d</jid></block>', 'bad-request'],
    ['<block xmlns="urn:xmpp:blocking"><item xmlns="urn:x" jid="a@b"/></block>', 'bad-request'],
    ['<block xmlns="urn:xmpp:blocking"><item jid=""/></block>', 'jid-malformed'],
    ['<block xmlns="urn:xmpp:blocking"><item jid="a@b"/><item jid="@"/></block>', 'jid-malformed'],
    ['<unblock xmlns="urn:xmpp:blocking"><item/></unblock>', 'bad-request'],
    ['<unblock xmlns="urn:xmpp:blocking"><item jid="iago@test/"/></unblock>', 'jid-malformed'],
    [`<block xmlns="urn:xmpp:blocking">${items(['a@b', 'c@d', 'e@f'])}</block>`, 'resource-constraint'],
    ['<blocklist xmlns="urn:xmpp:blocking"/>', 'service-unavailable'],
    ['<other xmlns="urn:xmpp:blocking"/>', 'service-unavailable'],
  ]
  for (const [payload, condition] of wrong) {
    assert.equal(errorCondition(await juliet.request(`<iq type="set" id="x">${payload}</iq>`)), condition, payload)
  }
  assert.deepEqual(await blockList(juliet), ['iago@test'])
})

test("another's list is nobody's business, whether there is such an account or not", async (t) => {
  const server = await start(t)
  const [juliet, iago] = [await server.login('juliet'), await server.login('iago')]
  await block(juliet, 'romeo@test')
  for (const to of ['juliet@test', 'nobody@test']) {
    const get = await iago.request(`<iq type="get" to="${to}" id="1"><blocklist xmlns="urn:xmpp:blocking"/></iq>`)
    const set = await iago.request(`<iq type="set" to="${to}" id="2"><unblock xmlns="urn:xmpp:blocking"/></iq>`)
    assert.deepEqual([errorCondition(get), errorCondition(set)], ['service-unavailable', 'service-unavailable'])
  }
  assert.deepEqual(await blockList(juliet), ['romeo@test'])
})

test('block lists survive a restart and go with the account', async (t) => {
  const first = await start(t)
  await block(await first.login('juliet'), 'romeo@test')
  await first.stop()
  const server = await start(t, { dataFolder: first.dataFolder })
  const romeo = await server.login('romeo')
  romeo.send('<message to="juliet@test" type="chat" id="m"><body>x</body></message>')
  assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable')
  assert.deepEqual(await blockList(await server.login('juliet')), ['romeo@test'])
  await server.accounts.remove('juliet')
  assert.deepEqual(await blockList(await server.login('juliet')), [])
})
