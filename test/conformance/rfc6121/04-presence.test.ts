/** RFC 6121 §4.1 to §4.5 and §4.7: presence broadcast, probes, and their end. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, PeerDomain, type TestClient } from '@beaconfire/plugin-sdk/testing'
import ping from '../../../plugins/ping/index.js'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { bare, befriend, describePresence, interested, seen, settle, subscribe } from '../support/contacts.js'
import { openStage } from '../support/stage.js'

const peer = new PeerDomain()
const stage = await openStage({ plugins: [ping, roster, presence, peer.plugin] })
const { server } = stage

const login = async (role: string) => interested(await stage.login({ role }))
const friends = async () => {
  const [user, contact] = [await login('user'), await login('contact')]
  await befriend(user, contact)
  return [user, contact] as const
}
/** The user has this subscription with `a@peer.test`. */
async function withPeer(user: TestClient, ...steps: readonly string[]): Promise<void> {
  for (const step of steps) {
    const [way, type] = step.split(' ')
    if (way === '<') await peer.say(`<presence type='${type}' from='a@peer.test' to='${bare(user)}'/>`)
    else user.send(`<presence type='${type}' to='a@peer.test'/>`)
    await user.sync()
  }
  peer.take()
  await settle(user)
}
const FROM = ['< subscribe', '> subscribed'] as const
const TO = ['> subscribe', '< subscribed'] as const

describe('initial presence', () => {
  test('goes whole, from the full JID, to contacts who may see it, and to no others (§4.2.2)', async () => {
    const [sees, seen1, stranger] = [await login('sees'), await login('seen'), await login('stranger')]
    const user = await interested(await stage.login({ role: 'user' }))
    await subscribe(sees, user)
    await subscribe(user, seen1)
    const again = await stage.another(user, { available: false })
    await settle(sees, seen1, stranger)
    again.send("<presence id='p' xml:lang='cs'><show>dnd</show><status>Busy</status><priority>1</priority><c xmlns='urn:c' v='1'/></presence>")
    const shown = await sees.receive('presence')
    assert.deepEqual([shown.attrs.from, shown.attrs.to, shown.attrs.id, shown.attrs['xml:lang']], [again.jid.toString(), bare(sees), 'p', 'cs'])
    assert.equal(shown.children.join(''), '<show>dnd</show><status>Busy</status><priority>1</priority><c xmlns="urn:c" v="1"/>')
    for (const other of [seen1, stranger]) await other.receiveNothing('presence')
  })

  test('goes to all available resources of the contact (§4.2.3)', async () => {
    const [user, contact] = await friends()
    const second = await stage.another(contact)
    await settle(user, contact, second)
    const again = await stage.another(user)
    for (const client of [contact, second]) assert.equal(await seen(client), `available ${again.jid}`)
  })

  test("is sent to the user's own resources, the one that sent it included (§4.2.2)", async () => {
    const [first, connected] = [await stage.login(), await stage.login({ available: false })]
    const second = await stage.another(first, { available: false })
    second.send('<presence/>')
    assert.equal(await seen(first), `available ${second.jid}`)
    assert.deepEqual([await seen(second), await seen(second)], [`available ${second.jid}`, `available ${first.jid}`])
    await connected.receiveNothing('presence')
  })

  test('brings the presence of contacts who may be seen, each resource with what it last said (§4.2.2, §4.3)', async () => {
    const [user, contact] = await friends()
    const second = await stage.another(contact)
    contact.send("<presence xml:lang='en'><show>away</show><status>Lunch</status><priority>7</priority></presence>")
    await contact.sync()
    const back = await stage.another(user, { available: false })
    back.send('<presence/>')
    await back.sync()
    const shown = back.stream.queued('presence').filter((it) => String(it.attrs.from).startsWith(bare(contact)))
    assert.deepEqual(shown.map(describePresence).sort(), [`available ${contact.jid} Lunch`, `available ${second.jid}`].sort())
    const lunch = shown.find((it) => it.getChildText('status') === 'Lunch')
    assert.deepEqual([lunch?.getChildText('show'), lunch?.getChildText('priority'), lunch?.attrs['xml:lang']], ['away', '7', 'en'])
  })

  test('is followed by probes from the bare JID to contacts of other domains (§4.3.1)', async () => {
    const user = await login('user')
    await withPeer(user, ...TO)
    await stage.another(user)
    const probes = peer.take().filter((it) => it.includes('type="probe"'))
    assert.deepEqual(probes, [`<presence from="${bare(user)}" to="a@peer.test" type="probe"/>`])
  })

  test('shows itself before what has waited for it: requests and contacts come behind (§4.2.2, §3.1.3)', async () => {
    const account = await stage.account()
    await peer.say(`<presence type='subscribe' from='a@peer.test' to='${account}'/>`)
    const user = await stage.another(account, { available: false })
    user.send('<presence/>')
    assert.deepEqual([await seen(user), await seen(user)], [`available ${user.jid}`, 'subscribe a@peer.test'])
  })
})

describe('a probe', () => {
  const probe = async (to: string) => {
    peer.take()
    await peer.say(`<presence type='probe' id='probe' from='a@peer.test' to='${to}'/>`)
    return peer.take()
  }

  test('of who is not subscribed, or for nobody, reveals nothing (§4.3.2 rule 1, §8.5.1)', async () => {
    const user = await login('user')
    assert.deepEqual(await probe(bare(user)), [`<presence from="${bare(user)}" to="a@peer.test" type="unsubscribed" id="probe"/>`])
    assert.deepEqual(await probe('nobody@test'), [])
  })

  test('of a subscriber is answered with the whole last presence of each resource, and its id (§4.3.2 rule 4, §4.3.2.1)', async () => {
    const user = await login('user')
    const second = await stage.another(user)
    await withPeer(user, ...FROM)
    user.send("<presence id='pres1'><show>dnd</show><status>busy!</status></presence>")
    second.send("<presence id='pres2'><show>away</show></presence>")
    await user.sync()
    await second.sync()
    assert.deepEqual(
      (await probe(bare(user))).sort(),
      [
        `<presence id="pres1" from="${user.jid}" to="a@peer.test"><show>dnd</show><status>busy!</status></presence>`,
        `<presence id="pres2" from="${second.jid}" to="a@peer.test"><show>away</show></presence>`,
      ].sort(),
    )
  })

  test('of a subscriber for a user who is away is answered with unavailable, the time, and its own id (§4.3.2 rule 3)', async () => {
    const user = await login('user')
    await withPeer(user, ...FROM)
    user.send("<presence type='unavailable'><status>Home</status></presence>")
    await user.sync()
    const [answer, ...more] = await probe(bare(user))
    assert.deepEqual(more, [])
    assert.match(String(answer), new RegExp(`from="${bare(user)}"`))
    assert.match(String(answer), /type="unavailable".*id="probe".*<status>Home<\/status><delay xmlns="urn:xmpp:delay"/)
  })

  test('for one resource is answered for that one alone, and says only that it is there (§4.3.2)', async () => {
    const user = await login('user')
    await withPeer(user, ...FROM)
    await stage.another(user)
    user.send('<presence><show>dnd</show></presence>')
    await user.sync()
    assert.deepEqual(await probe(user.jid.toString()), [`<presence from="${user.jid}" to="a@peer.test"/>`])
    assert.deepEqual(await probe(`${bare(user)}/gone`), [`<presence from="${bare(user)}/gone" to="a@peer.test" type="unavailable" id="probe"/>`])
  })

  test('of who was sent directed presence is answered by that resource, without details (§4.6.6)', async () => {
    const user = await login('user')
    await stage.another(user)
    user.send("<presence to='a@peer.test'><status>Secret</status></presence>")
    await user.sync()
    assert.deepEqual(await probe(user.jid.toString()), [`<presence from="${user.jid}" to="a@peer.test"/>`])
    user.send("<presence to='a@peer.test' type='unavailable'/>")
    await user.sync()
    assert.match(String(await probe(user.jid.toString())), /type="unsubscribed"/)
  })

  test('sent by a client is handled, and is no error (§4.3)', async () => {
    const [user, contact] = await friends()
    user.send(`<presence type='probe' to='${bare(contact)}'/>`)
    assert.equal(await seen(user), `available ${contact.jid}`)
    user.send("<presence type='probe' to='a@peer.test'/>")
    await user.receiveNothing()
  })
})

describe('a change of presence', () => {
  test('goes to contacts and own resources as it stands (§4.4.2)', async () => {
    const [user, contact] = await friends()
    const own = await stage.another(user)
    await settle(user, contact, own)
    user.send("<presence id='away'><show>away</show></presence>")
    for (const client of [contact, own, user]) {
      const shown = await client.receive('presence')
      assert.deepEqual([shown.attrs.from, shown.attrs.id, shown.getChildText('show')], [user.jid.toString(), 'away', 'away'])
    }
  })

  test('brings no presence of others again (§4.4.4)', async () => {
    const [user, contact] = await friends()
    await settle(user, contact)
    user.send('<presence><show>away</show></presence>')
    assert.equal(await seen(user), `available ${user.jid}`)
    await user.receiveNothing()
  })

  for (const [priority, isTaken] of [
    ['-128', true],
    ['127', true],
    ['+5', true],
    ['128', false],
    ['-129', false],
    ['1.5', false],
    ['high', false],
    ['', false],
  ] as const) {
    test(`with the priority "${priority}" is ${isTaken ? 'taken' : 'refused with bad-request and changes nothing'} (§4.7.2.3)`, async () => {
      const user = await stage.login({ available: false })
      user.send(`<presence id='p'><priority>${priority}</priority></presence>`)
      const answer = await user.receive('presence')
      assert.equal(server.sessions.get(user.jid)?.isAvailable, isTaken)
      if (!isTaken) assert.equal(errorCondition(answer), 'bad-request')
      else assert.equal(server.sessions.get(user.jid)?.priority, Number(priority))
    })
  }

  test('without a priority has priority zero (§4.7.2.3)', async () => {
    const user = await stage.prioritized(await stage.account(), 5)
    user.send('<presence/>')
    await user.sync()
    assert.equal(server.sessions.get(user.jid)?.priority, 0)
  })

  for (const type of ['available', 'invisible', '']) {
    test(`of type "${type}", which is none, is a bad request (§4.7.1)`, async () => {
      const user = await stage.login({ available: false })
      user.send(`<presence id='p' type='${type}'/>`)
      const error = await user.receive('presence')
      assert.deepEqual([error.attrs.type, error.attrs.id, errorCondition(error)], ['error', 'p', 'bad-request'])
    })
  }
})

describe('the end of presence', () => {
  test('goes whole to contacts and own resources, the one that goes included (§4.5.2)', async () => {
    const [user, contact] = await friends()
    const own = await stage.another(user)
    await settle(user, contact, own)
    user.send("<presence type='unavailable'><status>going on vacation</status></presence>")
    for (const client of [contact, own, user]) assert.equal(await seen(client), `unavailable ${user.jid} going on vacation`)
    contact.send('<presence><show>away</show></presence>')
    await contact.sync()
    await user.receiveNothing('presence')
  })

  test('is told for a client that goes without a word, by closing or by being lost (§4.5.2)', async () => {
    const [user, contact] = await friends()
    for (const end of ['close', 'drop'] as const) {
      const resource = await stage.another(user)
      await settle(contact)
      if (end === 'close') await resource.close()
      else resource.drop()
      assert.equal(await seen(contact), `unavailable ${resource.jid}`)
    }
  })

  test('is told once, however often and by whatever it is said', async () => {
    const [user, contact] = await friends()
    await settle(user, contact)
    user.send("<presence type='unavailable'/><presence type='unavailable'/>")
    await user.close()
    assert.equal(await seen(contact), `unavailable ${user.jid}`)
    await contact.receiveNothing('presence')
  })

  test('of a resource that never was available is told to nobody', async () => {
    const [user, contact] = await friends()
    const silent = await stage.another(user, { available: false })
    await settle(contact)
    silent.send("<presence type='unavailable'/>")
    await silent.close()
    await contact.receiveNothing('presence')
  })

  test('ends the session of presence: the next presence is an initial one again (§4.5.2)', async () => {
    const [user, contact] = await friends()
    await settle(user, contact)
    user.send("<presence type='unavailable'/><presence/>")
    await user.sync()
    const shown = user.stream.queued('presence').map(describePresence)
    assert.deepEqual(shown, [`unavailable ${user.jid}`, `available ${user.jid}`, `available ${contact.jid}`])
    assert.deepEqual([await seen(contact), await seen(contact)], [`unavailable ${user.jid}`, `available ${user.jid}`])
  })

  test('with a status leaves it for contacts who come later, with the time (§4.3.2)', async () => {
    const [user, contact] = await friends()
    await contact.close()
    user.send("<presence type='unavailable'><status>Home</status></presence>")
    await user.sync()
    const back = await stage.another(contact)
    const last = await back.receive('presence')
    assert.equal(describePresence(last), `unavailable ${bare(user)} Home`)
    assert.ok(findChild(last, 'delay', NS.delay))
  })
})
