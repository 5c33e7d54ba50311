/** Contacts over sockets: the sequences of adding, approving, refusing, giving up and removing a contact, and what is seen of presence. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const start = (t: TestScope, config = {}) => startTestServer(t, { plugins: [roster, presence], config })

const rosterOf = async (client: TestClient, ver?: string) =>
  findChild(
    await client.request(`<iq type='get' id='roster'><query xmlns='jabber:iq:roster'${ver === undefined ? '' : ` ver='${ver}'`}/></iq>`),
    'query',
    NS.roster,
  )
const itemsOf = async (client: TestClient) => ((await rosterOf(client))?.getChildren('item') ?? []).map(describeItem)
const setItem = (client: TestClient, item: string) => client.request(`<iq type='set' id='set'><query xmlns='jabber:iq:roster'>${item}</query></iq>`)
const bare = (client: TestClient) => client.jid.bare().toString()

/** `juliet@test none ask`, with name and groups where there are any. */
function describeItem(item: Element): string {
  const { jid, name, subscription, ask, approved } = item.attrs
  const groups = item.getChildren('group').map((group) => group.getText())
  return [jid, name, ...groups, subscription, ask && 'ask', approved && 'approved'].filter(Boolean).join(' ')
}

/** Takes the next roster push, which must be well-formed. @returns its item */
async function pushed(client: TestClient): Promise<string> {
  const push = await client.receive((el) => el.getName() === 'iq' && el.attrs.type === 'set', 'a roster push')
  assert.ok(push.attrs.id, 'a push has an id')
  assert.ok([undefined, bare(client)].includes(push.attrs.from), 'a push is from the account itself')
  const query = findChild(push, 'query', NS.roster)
  assert.ok(query?.attrs.ver, 'a push has a version')
  const items = query.getChildren('item')
  assert.equal(items.length, 1)
  return describeItem(items[0] as Element)
}

/** Takes the next presence. @returns `type from [status]` */
async function seen(client: TestClient): Promise<string> {
  const { attrs, ...stanza } = await client.receive('presence').then((el) => ({ attrs: el.attrs, status: el.getChildText('status') }))
  return [attrs.type ?? 'available', attrs.from, stanza.status].filter(Boolean).join(' ')
}

/** Logged in, and interested in pushes. */
async function interested(server: Awaited<ReturnType<typeof start>>, name: string, resource = 'a'): Promise<TestClient> {
  const client = await server.login(name, { resource })
  await rosterOf(client)
  return client
}

/** Subscribes `a` to `b`, and takes out of both queues what this brings. */
async function subscribe(a: TestClient, b: TestClient): Promise<void> {
  a.send(`<presence to='${bare(b)}' type='subscribe'/>`)
  await b.receive((el) => el.attrs.type === 'subscribe')
  b.send(`<presence to='${bare(a)}' type='subscribed'/>`)
  await b.sync()
  await a.sync()
  for (const client of [a, b]) client.stream.discard((el) => el.getName() === 'presence' || el.attrs.type === 'set')
}

describe('adding a contact', () => {
  test('who is there: request, approval and both rosters, step by step', async (t) => {
    const server = await start(t)
    const user = await interested(server, 'user')
    const second = await interested(server, 'user', 'b')
    for (const client of [user, second]) await client.receive('presence')
    const contact = await interested(server, 'contact')

    const result = await setItem(user, "<item jid='contact@test' name='MyContact'><group>MyBuddies</group></item>")
    assert.equal(result.attrs.type, 'result')
    for (const client of [user, second]) assert.equal(await pushed(client), 'contact@test MyContact MyBuddies none')

    user.send("<presence to='contact@test' type='subscribe'/>")
    for (const client of [user, second]) assert.equal(await pushed(client), 'contact@test MyContact MyBuddies none ask')
    assert.equal(await seen(contact), 'subscribe user@test')

    contact.send("<presence to='user@test' type='subscribed'/>")
    assert.equal(await pushed(contact), 'user@test from')
    for (const client of [user, second]) {
      assert.equal(await seen(client), 'subscribed contact@test')
      assert.equal(await pushed(client), 'contact@test MyContact MyBuddies to')
      assert.equal(await seen(client), `available ${contact.jid}`)
    }

    user.send("<presence to='contact@test' type='subscribe'/>")
    await user.sync()
    await contact.receiveNothing()
    await user.receiveNothing()

    await subscribe(contact, user)
    assert.deepEqual(await itemsOf(user), ['contact@test MyContact MyBuddies both'])
    assert.deepEqual(await itemsOf(contact), ['user@test both'])
  })

  test('who is away: the prompt appears at every login until it is accepted', async (t) => {
    const server = await start(t)
    await server.accounts.create({ username: 'wangjun', password: 'wangjun' })
    const chenwu = await interested(server, 'chenwu')
    chenwu.send("<presence to='wangjun@test' type='subscribe'><status>It is me</status></presence>")
    assert.equal(await pushed(chenwu), 'wangjun@test none ask')
    await chenwu.sync()

    const first = await server.login('wangjun')
    assert.equal(await seen(first), 'subscribe chenwu@test It is me')
    await first.close()
    const wangjun = await interested(server, 'wangjun')
    assert.equal(await seen(wangjun), 'subscribe chenwu@test It is me')

    wangjun.send("<presence to='chenwu@test' type='subscribed'/>")
    wangjun.send("<presence to='chenwu@test' type='subscribe'/>")
    assert.equal(await seen(chenwu), 'subscribed wangjun@test')
    assert.equal(await seen(chenwu), `available ${wangjun.jid}`)
    assert.equal(await seen(chenwu), 'subscribe wangjun@test')
    chenwu.send("<presence to='wangjun@test' type='subscribed'/>")
    assert.equal(await seen(wangjun), 'subscribed chenwu@test')
    assert.equal(await seen(wangjun), `available ${chenwu.jid}`)
    assert.deepEqual(await itemsOf(chenwu), ['wangjun@test both'])
    assert.deepEqual(await itemsOf(wangjun), ['chenwu@test both'])
    await wangjun.close()
    await (await server.login('wangjun', { available: true })).receiveNothing((el) => el.attrs.type === 'subscribe')
  })

  test('who refuses: the request is gone on both sides', async (t) => {
    const server = await start(t)
    const user = await interested(server, 'user')
    const contact = await interested(server, 'contact')
    user.send("<presence to='contact@test' type='subscribe'/>")
    assert.equal(await pushed(user), 'contact@test none ask')
    assert.equal(await seen(contact), 'subscribe user@test')
    contact.send("<presence to='user@test' type='unsubscribed'/>")
    assert.equal(await seen(user), 'unsubscribed contact@test')
    assert.equal(await pushed(user), 'contact@test none')
    assert.deepEqual(await itemsOf(contact), [])
    await contact.receiveNothing()
  })

  test('who does not exist brings the push and nothing more', async (t) => {
    const server = await start(t)
    const user = await interested(server, 'user')
    user.send("<presence to='nobody@test' type='subscribe'/>")
    assert.equal(await pushed(user), 'nobody@test none ask')
    await user.receiveNothing()
  })
})

describe('losing a contact', () => {
  test('by unsubscribing: state, notice and unavailable presence on both sides', async (t) => {
    const server = await start(t)
    const [user, contact] = [await interested(server, 'user'), await interested(server, 'contact')]
    await subscribe(user, contact)
    await subscribe(contact, user)
    user.send("<presence to='contact@test' type='unsubscribe'/>")
    assert.equal(await pushed(user), 'contact@test from')
    assert.equal(await seen(contact), 'unsubscribe user@test')
    assert.equal(await pushed(contact), 'user@test to')
    assert.equal(await seen(user), `unavailable ${contact.jid}`)
    contact.send("<presence to='user@test' type='unsubscribed'/>")
    contact.send('<presence><status>Unseen</status></presence>')
    await contact.sync()
    await user.receiveNothing()
  })

  test('while the contact is away is known at the next login', async (t) => {
    const server = await start(t)
    const [user, contact] = [await interested(server, 'user'), await interested(server, 'contact')]
    await subscribe(user, contact)
    await contact.close()
    user.send("<presence to='contact@test' type='unsubscribe'/>")
    await user.sync()
    assert.deepEqual(await itemsOf(await server.login('contact')), ['user@test none'])
  })

  test('by removing the item: it goes from the roster, the account stays', async (t) => {
    const server = await start(t)
    const [user, contact] = [await interested(server, 'user'), await interested(server, 'contact')]
    await subscribe(user, contact)
    await subscribe(contact, user)
    assert.equal((await setItem(user, "<item jid='contact@test' subscription='remove'/>")).attrs.type, 'result')
    assert.equal(await pushed(user), 'contact@test remove')
    assert.equal(await seen(contact), `unavailable ${user.jid}`)
    assert.equal(await seen(contact), 'unsubscribed user@test')
    assert.equal(await pushed(contact), 'user@test from')
    assert.equal(await seen(contact), 'unsubscribe user@test')
    assert.equal(await pushed(contact), 'user@test none')
    assert.equal(await seen(user), `unavailable ${contact.jid}`)
    assert.deepEqual(await itemsOf(user), [])
    assert.equal(await server.accounts.exists('contact'), true)
    assert.equal(errorCondition(await setItem(user, "<item jid='contact@test' subscription='remove'/>")), 'item-not-found')
  })

  test('who removes the account: the subscriptions end both ways', async (t) => {
    const server = await start(t)
    const [user, contact] = [await interested(server, 'user'), await interested(server, 'contact')]
    await subscribe(user, contact)
    await subscribe(contact, user)
    await server.accounts.remove('user')
    assert.equal(await seen(contact), `unavailable ${user.jid}`)
    assert.equal(await seen(contact), 'unsubscribed user@test')
    assert.equal(await seen(contact), 'unsubscribe user@test')
    assert.deepEqual(await itemsOf(contact), ['user@test none'])
    assert.deepEqual(await server.database.forPlugin('test').knex('ofRoster').where('username', 'user'), [])
  })
})

describe('the roster', () => {
  test('is empty without an error, and closed to others', async (t) => {
    const server = await start(t)
    const user = await server.login('user')
    assert.deepEqual(await itemsOf(user), [])
    await server.login('contact')
    const stolen = await user.request("<iq type='get' id='1' to='contact@test'><query xmlns='jabber:iq:roster'/></iq>")
    assert.equal(errorCondition(stolen), 'forbidden')
  })

  test('with the version the client has is an empty result, after a restart too', async (t) => {
    const server = await start(t)
    const user = await server.login('user')
    await setItem(user, "<item jid='contact@test' name='C'><group>A</group><group>B</group></item>")
    const ver = String((await rosterOf(user, ''))?.attrs.ver)
    assert.equal(await rosterOf(user, ver), undefined)
    await server.stop()
    const again = await start(t, { dataFolder: server.dataFolder })
    const back = await again.login('user')
    assert.equal(await rosterOf(back, ver), undefined)
    assert.deepEqual(await itemsOf(back), ['contact@test C A B none'])
  })

  test('is shown to the administrator', async (t) => {
    const server = await start(t)
    const user = await server.login('user')
    await setItem(user, "<item jid='contact@test'/>")
    const answer = (await (await server.admin('/api/v1/plugins/roster/users/user')).json()) as { items: { jid: string }[] }
    assert.deepEqual(
      answer.items.map((it) => it.jid),
      ['contact@test'],
    )
    assert.equal((await server.admin('/api/v1/plugins/roster/users/nobody')).status, 404)
  })
})

describe('presence', () => {
  test('at login goes to contacts and brings theirs, from full JIDs and whole', async (t) => {
    const server = await start(t)
    const [user, contact] = [await interested(server, 'user'), await interested(server, 'contact')]
    await subscribe(user, contact)
    await subscribe(contact, user)
    contact.send("<presence xml:lang='en'><show>away</show><status>Lunch</status><priority>7</priority></presence>")
    await contact.sync()
    await user.close()
    assert.equal(await seen(contact), `available ${contact.jid} Lunch`)
    assert.equal(await seen(contact), `unavailable ${user.jid}`)

    const back = await server.login('user', { resource: 'b' })
    const answer = await back.receive('presence')
    assert.equal(answer.attrs.from, contact.jid.toString())
    assert.deepEqual(
      ['show', 'status', 'priority'].map((name) => answer.getChildText(name)),
      ['away', 'Lunch', '7'],
    )
    assert.equal(answer.attrs['xml:lang'], 'en')
    assert.equal(await seen(contact), `available ${back.jid}`)
  })

  test('of a lost connection becomes unavailable for contacts and for whom it was directed to', async (t) => {
    const server = await start(t)
    const [user, contact, stranger] = [await interested(server, 'user'), await interested(server, 'contact'), await server.login('stranger')]
    await subscribe(contact, user)
    user.send(`<presence to='${stranger.jid}'/>`)
    assert.equal(await seen(stranger), `available ${user.jid}`)
    user.drop()
    assert.equal(await seen(contact), `unavailable ${user.jid}`)
    assert.equal(await seen(stranger), `unavailable ${user.jid}`)
  })

  test('that goes with a status leaves it for those who come later', async (t) => {
    const server = await start(t)
    const [user, contact] = [await interested(server, 'user'), await interested(server, 'contact')]
    await subscribe(contact, user)
    await contact.close()
    user.send("<presence type='unavailable'><status>Home</status></presence>")
    await user.sync()
    const back = await server.login('contact')
    const last = await back.receive('presence')
    assert.deepEqual([last.attrs.type, last.attrs.from, last.getChildText('status')], ['unavailable', 'user@test', 'Home'])
    assert.ok(findChild(last, 'delay', NS.delay))
    back.send("<presence type='probe' to='user@test'/>")
    assert.equal(await seen(back), 'unavailable user@test Home')
  })

  test('with a priority that is none is refused, and the resource stays as it was', async (t) => {
    const server = await start(t)
    const user = await server.login('user', { available: false })
    user.send("<presence id='p'><priority>200</priority></presence>")
    assert.equal(errorCondition(await user.receive('presence')), 'bad-request')
    assert.equal(server.sessions.get(user.jid)?.isAvailable, false)
  })
})
