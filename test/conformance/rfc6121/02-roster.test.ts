/** RFC 6121 §2: the roster, as it is asked for, changed and pushed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, PeerDomain, startTestServer, type TestClient } from '@beaconfire/plugin-sdk/testing'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { bare, interested, isPush, itemsOf, pushed, rosterOf, setItem, settle } from '../support/contacts.js'
import { openStage } from '../support/stage.js'

const peer = new PeerDomain()
const stage = await openStage({ plugins: [roster, presence, peer.plugin] })
const { server } = stage

const login = async () => interested(await stage.login({ role: 'user' }))
const set = (client: TestClient, content: string, to = '') =>
  client.request(`<iq type='set' ${to}><query xmlns='jabber:iq:roster'>${content}</query></iq>`)

describe('a roster get', () => {
  test('of an empty roster is answered with an empty query, not with an error (§2.1.4)', async () => {
    const query = await rosterOf(await stage.login())
    assert.deepEqual([query?.children.length, Boolean(query?.attrs.ver)], [0, true])
  })

  test('brings every item with jid, name, subscription, ask and groups (§2.1.2)', async () => {
    const user = await login()
    await setItem(user, "<item jid='a@peer.test' name='A'><group>One</group><group>Two</group></item>")
    user.send("<presence to='a@peer.test' type='subscribe'/>")
    await setItem(user, "<item jid='b@peer.test'/>")
    await setItem(user, "<item jid='gateway.peer.test' name='Gateway'/>")
    assert.deepEqual(await itemsOf(user), ['a@peer.test A One Two none ask', 'b@peer.test none', 'gateway.peer.test Gateway none'])
  })

  test('addressed to the own bare JID is the same as one without an address (§2.1.3)', async () => {
    const user = await login()
    await setItem(user, "<item jid='a@peer.test'/>")
    const answer = await user.request(`<iq type='get' to='${bare(user)}'><query xmlns='jabber:iq:roster'/></iq>`)
    assert.equal(answer.getChild('query')?.getChildren('item').length, 1)
    assert.ok([undefined, bare(user)].includes(answer.attrs.from), 'it is from the account (RFC 6120 §8.1.2.1)')
  })

  test("of another account's roster is forbidden, whether there is such an account or none (§2.1.5)", async () => {
    const [user, other] = [await login(), await login()]
    assert.equal(errorCondition(await user.request(`<iq type='get' to='${bare(other)}'><query xmlns='jabber:iq:roster'/></iq>`)), 'forbidden')
  })
})

describe('a roster set', () => {
  test('of a new item is pushed to every interested resource, the own one too, and to no other (§2.3.2)', async () => {
    const user = await login()
    const [second, unavailable, uninterested] = [
      await interested(await stage.another(user)),
      await interested(await stage.another(user, { available: false })),
      await stage.another(user),
    ]
    await settle(user, second, unavailable, uninterested)
    const answer = await setItem(user, "<item jid='nurse@peer.test' name='Nurse'><group>Servants</group></item>")
    assert.deepEqual([answer.attrs.type, answer.children.length], ['result', 0])
    for (const client of [user, second, unavailable]) assert.equal(await pushed(client), 'nurse@peer.test Nurse Servants none')
    await uninterested.receiveNothing(isPush)
  })

  test('replaces name and groups as they are given, and leaves the subscription alone (§2.4)', async () => {
    const user = await login()
    const steps: [string, string][] = [
      ["<item jid='r@peer.test' name='Romeo'><group>Friends</group></item>", 'r@peer.test Romeo Friends none ask'],
      ["<item jid='r@peer.test' name='Romeo'><group>Friends</group><group>Lovers</group></item>", 'r@peer.test Romeo Friends Lovers none ask'],
      ["<item jid='r@peer.test' name='Romeo'><group>Lovers</group></item>", 'r@peer.test Romeo Lovers none ask'],
      ["<item jid='r@peer.test'/>", 'r@peer.test none ask'],
      ["<item jid='r@peer.test' name='MyRomeo'/>", 'r@peer.test MyRomeo none ask'],
      ["<item jid='r@peer.test' name=''/>", 'r@peer.test none ask'],
    ]
    user.send("<presence to='r@peer.test' type='subscribe'/>")
    await settle(user)
    for (const [item, expected] of steps) {
      await setItem(user, item)
      assert.equal(await pushed(user), expected)
      assert.deepEqual(await itemsOf(user), [expected])
    }
  })

  for (const subscription of ['none', 'to', 'from', 'both', 'whatever', '']) {
    test(`with subscription="${subscription}" is taken without it: only "remove" means something (§2.1.2.5)`, async () => {
      const user = await login()
      assert.equal((await setItem(user, `<item jid='a@peer.test' subscription='${subscription}'/>`)).attrs.type, 'result')
      assert.deepEqual(await itemsOf(user), ['a@peer.test none'])
    })
  }

  const long = (length: number) => 'x'.repeat(length)
  const refusals: [string, string, string][] = [
    ['more than one item (§2.3.3)', "<item jid='a@peer.test'/><item jid='b@peer.test'/>", 'bad-request'],
    ['no item (§2.1.5)', '', 'bad-request'],
    ['an item without a jid (§2.1.2.3)', "<item name='A'/>", 'bad-request'],
    ['the same group twice (§2.3.3)', "<item jid='a@peer.test'><group>A</group><group>B</group><group>A</group></item>", 'bad-request'],
    ['a jid that is none (RFC 7622 §4)', "<item jid='a b@peer.test'/>", 'jid-malformed'],
    ['a name beyond the limit (§2.3.3)', `<item jid='a@peer.test' name='${long(256)}'/>`, 'not-acceptable'],
    ['a group without a name (§2.3.3)', "<item jid='a@peer.test'><group/></item>", 'not-acceptable'],
    ['the name of a group beyond the limit (§2.3.3)', `<item jid='a@peer.test'><group>${long(256)}</group></item>`, 'not-acceptable'],
    ['the removal of an item that is not there (§2.5.3)', "<item jid='nobody@peer.test' subscription='remove'/>", 'item-not-found'],
  ]
  for (const [what, content, condition] of refusals) {
    test(`with ${what} is answered with ${condition}, and changes nothing`, async () => {
      const user = await login()
      assert.equal(errorCondition(await set(user, content)), condition)
      await user.receiveNothing(isPush)
      assert.deepEqual(await itemsOf(user), [])
    })
  }

  test('of the own address is not allowed (§2.3.3)', async () => {
    const user = await login()
    assert.equal(errorCondition(await setItem(user, `<item jid='${bare(user)}'/>`)), 'not-allowed')
  })

  test('of a name and a group as long as they may be is taken (§2.3.3)', async () => {
    const user = await login()
    assert.equal((await setItem(user, `<item jid='a@peer.test' name='${long(255)}'><group>${long(255)}</group></item>`)).attrs.type, 'result')
  })

  test("in another account's roster is forbidden, and changes nothing (§2.3.3)", async () => {
    const [user, other] = [await login(), await login()]
    for (const item of ["<item jid='a@peer.test'/>", "<item jid='a@peer.test' subscription='remove'/>"]) {
      assert.equal(errorCondition(await set(user, item, `to='${bare(other)}'`)), 'forbidden')
    }
    await other.receiveNothing(isPush)
    assert.deepEqual(await itemsOf(other), [])
  })

  test('addresses are compared after preparation: one contact has one item (RFC 7622 §3)', async () => {
    const user = await login()
    await setItem(user, "<item jid='Nurse@PEER.test' name='first'/>")
    await setItem(user, "<item jid='nurse@peer.test' name='second'/>")
    assert.deepEqual(await itemsOf(user), ['nurse@peer.test second none'])
  })

  test('with remove takes the item away and pushes that (§2.5.2)', async () => {
    const user = await login()
    const second = await interested(await stage.another(user))
    await setItem(user, "<item jid='a@peer.test' name='A'><group>G</group></item>")
    await settle(user, second)
    assert.equal((await setItem(user, "<item jid='a@peer.test' subscription='remove'/>")).attrs.type, 'result')
    for (const client of [user, second]) assert.equal(await pushed(client), 'a@peer.test remove')
    assert.deepEqual(await itemsOf(user), [])
  })

  for (const [state, steps, expected] of [
    ['to', ['> subscribe', '< subscribed'], ['unsubscribe']],
    ['none with a request of one’s own', ['> subscribe'], ['unsubscribe']],
    ['from', ['< subscribe', '> subscribed'], ['unavailable', 'unsubscribed']],
    ['both', ['> subscribe', '< subscribed', '< subscribe', '> subscribed'], ['unavailable', 'unsubscribed', 'unsubscribe']],
    ['none', [], []],
  ] as const) {
    test(`with remove, in state ${state}, tells the contact ${expected.join(', ') || 'nothing'} (§2.5.2)`, async () => {
      const user = await login()
      await setItem(user, "<item jid='a@peer.test'/>")
      for (const step of steps) {
        const [way, type] = step.split(' ')
        if (way === '<') await peer.say(`<presence type='${type}' from='a@peer.test' to='${bare(user)}'/>`)
        else user.send(`<presence type='${type}' to='a@peer.test'/>`)
        await user.sync()
      }
      peer.take()
      await setItem(user, "<item jid='a@peer.test' subscription='remove'/>")
      await user.sync()
      assert.deepEqual(
        peer.take().map((it) => /type="([a-z]+)"/.exec(it)?.[1]),
        expected,
      )
    })
  }
})

describe('a push', () => {
  test('comes after the result of a set, and before that of a removal, which ends the subscriptions too (§2.3.2, §2.5.2)', async () => {
    const user = await login()
    for (const [item, order] of [
      ["<item jid='order@peer.test'/>", ['result', 'set']],
      ["<item jid='order@peer.test' name='Order'/>", ['result', 'set']],
      ["<item jid='order@peer.test' subscription='remove'/>", ['set', 'result']],
    ] as const) {
      const before = user.received.length
      await set(user, item)
      await pushed(user)
      assert.deepEqual(
        user.received.slice(before).map((it) => it.attrs.type),
        order,
      )
    }
  })

  test('is an iq set from the account with an id and one item, and an error in answer to it is ignored (§2.1.6)', async () => {
    const user = await login()
    await setItem(user, "<item jid='a@peer.test'/>")
    const push = await user.receive(isPush)
    user.send(`<iq type='error' id='${push.attrs.id}'><error type='cancel'><service-unavailable xmlns='${NS.stanzaErrors}'/></error></iq>`)
    user.send(`<iq type='result' id='${push.attrs.id}'/>`)
    await user.receiveNothing()
    assert.deepEqual(await itemsOf(user), ['a@peer.test none'])
  })
})

describe('versioning', () => {
  test('is offered as a stream feature (§2.6.1)', async () => {
    const stream = await stage.authenticated()
    assert.ok(stream.received.some((el) => el.getChild('ver', NS.rosterVersioning)))
    stream.drop()
  })

  test('answers the version the client has with an empty result, any other with the whole roster (§2.6.3)', async () => {
    const user = await login()
    await setItem(user, "<item jid='a@peer.test' name='A'/>")
    const ver = String((await rosterOf(user, ''))?.attrs.ver)
    assert.equal(await rosterOf(user, ver), undefined)
    for (const other of ['', 'ver14', `${ver}x`]) assert.equal((await rosterOf(user, other))?.getChildren('item').length, 1, `"${other}"`)
  })

  test('gives every push, in order, a version of its own that a later get takes (§2.6.3)', async () => {
    const user = await login()
    const versions: string[] = []
    for (const item of ["<item jid='a@peer.test'/>", "<item jid='a@peer.test' name='A'/>", "<item jid='b@peer.test'/>"]) await setItem(user, item)
    for (let i = 0; i < 3; i++) versions.push(String(childElements(await user.receive(isPush))[0]?.attrs.ver))
    assert.equal(new Set(versions).size, 3)
    assert.equal(await rosterOf(user, versions[2]), undefined)
    assert.equal((await rosterOf(user, versions[1]))?.getChildren('item').length, 2)
  })

  test('gives pushes and results a version for clients too that never asked for one (§2.6.3)', async () => {
    const user = await login()
    await setItem(user, "<item jid='a@peer.test'/>")
    assert.ok(findChild(await user.receive(isPush), 'query', NS.roster)?.attrs.ver)
    assert.ok((await rosterOf(user))?.attrs.ver)
  })

  test('does not change with what no client sees, such as a request that waits (§2.6.3)', async () => {
    const user = await login()
    const before = (await rosterOf(user))?.attrs.ver
    await peer.say(`<presence type='subscribe' from='a@peer.test' to='${bare(user)}'/>`)
    assert.equal((await rosterOf(user))?.attrs.ver, before)
  })

  test('survives a restart of the server, with the roster', async (t) => {
    const first = await startTestServer(t, { plugins: [roster, presence] })
    const user = await first.login('user')
    await setItem(user, "<item jid='a@peer.test' name='C'><group>A</group><group>B</group></item>")
    const ver = String((await rosterOf(user, ''))?.attrs.ver)
    await first.stop()
    const again = await startTestServer(t, { plugins: [roster, presence], config: { dataFolder: first.dataFolder } })
    const back = await again.login('user')
    assert.equal(await rosterOf(back, ver), undefined)
    assert.deepEqual(await itemsOf(back), ['a@peer.test C A B none'])
  })
})

test('the roster of an account is shown to the administrator', async () => {
  const user = await login()
  await setItem(user, "<item jid='a@peer.test'/>")
  const answer = (await (await server.admin(`/api/v1/plugins/roster/users/${user.jid.local}`)).json()) as { items: { jid: string }[] }
  assert.deepEqual(
    answer.items.map((it) => it.jid),
    ['a@peer.test'],
  )
  assert.equal((await server.admin('/api/v1/plugins/roster/users/nobody')).status, 404)
})
