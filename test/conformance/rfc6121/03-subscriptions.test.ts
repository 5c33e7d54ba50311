/** RFC 6121 §3 and appendix A: presence subscriptions between users here and with another domain. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { errorCondition, PeerDomain, type TestClient } from '@beaconfire/plugin-sdk/testing'
import presence from '../../../plugins/presence/index.js'
import roster from '../../../plugins/roster/index.js'
import { bare, befriend, interested, isPush, itemsOf, pushed, seen, setItem, settle, subscribe } from '../support/contacts.js'
import { openStage } from '../support/stage.js'

const peer = new PeerDomain()
const stage = await openStage({ plugins: [roster, presence, peer.plugin] })
const { server } = stage

const login = async (role: string) => interested(await stage.login({ role }))

describe('adding a contact', () => {
  test('who is there: request, approval and both rosters, step by step (§3.1)', async () => {
    const user = await login('user')
    const second = await interested(await stage.another(user))
    const contact = await login('contact')
    await settle(user, second, contact)
    const item = `${bare(contact)} MyContact MyBuddies`

    const result = await setItem(user, `<item jid='${bare(contact)}' name='MyContact'><group>MyBuddies</group></item>`)
    assert.equal(result.attrs.type, 'result')
    for (const client of [user, second]) assert.equal(await pushed(client), `${item} none`)

    user.send(`<presence to='${bare(contact)}' type='subscribe'/>`)
    for (const client of [user, second]) assert.equal(await pushed(client), `${item} none ask`)
    assert.equal(await seen(contact), `subscribe ${bare(user)}`)

    contact.send(`<presence to='${bare(user)}' type='subscribed'/>`)
    assert.equal(await pushed(contact), `${bare(user)} from`)
    for (const client of [user, second]) {
      assert.equal(await seen(client), `subscribed ${bare(contact)}`)
      assert.equal(await pushed(client), `${item} to`)
      assert.equal(await seen(client), `available ${contact.jid}`)
    }

    await subscribe(contact, user)
    assert.deepEqual(await itemsOf(user), [`${item} both`])
    assert.deepEqual(await itemsOf(contact), [`${bare(user)} both`])
  })

  test('in the other order, request first and name later, comes to the same (§3.1.1)', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    user.send(`<presence to='${bare(contact)}' type='subscribe'/>`)
    await setItem(user, `<item jid='${bare(contact)}' name='MyContact'/>`)
    assert.deepEqual(await itemsOf(user), [`${bare(contact)} MyContact none ask`])
  })

  test('who is away: the whole request is kept and shown at every login, once, until it is answered (§3.1.3)', async () => {
    const [user, account] = [await login('user'), await stage.account('contact')]
    const nick = '<nick xmlns="http://jabber.org/protocol/nick">Me</nick>'
    user.send(`<presence id='first' to='${account}' type='subscribe'><status>It is me</status>${nick}</presence>`)
    user.send(`<presence id='again' to='${account}' type='subscribe'/>`)
    await user.sync()
    for (let round = 0; round < 2; round++) {
      const contact = await stage.another(account)
      const request = await contact.receive('presence')
      assert.deepEqual([request.attrs.type, request.attrs.from, request.getChildText('status')], ['subscribe', bare(user), 'It is me'])
      assert.equal(String(request.getChild('nick')), nick)
      await contact.receiveNothing('presence')
      await contact.close()
    }
    const contact = await interested(await stage.another(account))
    assert.deepEqual(await itemsOf(contact), [], 'a request is no item of the roster (A.1)')
    contact.send(`<presence to='${bare(user)}' type='subscribed'/>`)
    await contact.close()
    await (await stage.another(account)).receiveNothing((el) => el.attrs.type === 'subscribe')
    assert.deepEqual(await itemsOf(user), [`${account} to`])
  })

  test('who refuses: the request is gone on both sides (§3.1.4, A.2.4, A.3.4)', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    user.send(`<presence to='${bare(contact)}' type='subscribe'/>`)
    assert.equal(await pushed(user), `${bare(contact)} none ask`)
    assert.equal(await seen(contact), `subscribe ${bare(user)}`)
    contact.send(`<presence to='${bare(user)}' type='unsubscribed'/>`)
    assert.equal(await seen(user), `unsubscribed ${bare(contact)}`)
    assert.equal(await pushed(user), `${bare(contact)} none`)
    assert.deepEqual(await itemsOf(contact), [])
    await contact.receiveNothing()
  })

  test('who does not exist brings the push and nothing more (§8.5.1)', async () => {
    const user = await login('user')
    user.send("<presence to='nobody@test' type='subscribe'/>")
    assert.equal(await pushed(user), 'nobody@test none ask')
    await user.receiveNothing()
  })
})

describe('the stanza of a subscription', () => {
  test('goes from bare JID to bare JID whatever the client wrote, with its id and content (§3, §3.1.2)', async () => {
    const user = await login('user')
    peer.take()
    for (const type of ['subscribe', 'unsubscribe'])
      user.send(`<presence id='${type}' to='a@peer.test/x' type='${type}'><status>Hi</status></presence>`)
    await user.sync()
    assert.deepEqual(
      peer.take().map((it) => it.replaceAll('"', "'")),
      ['subscribe', 'unsubscribe'].map(
        (type) => `<presence id='${type}' to='a@peer.test' type='${type}' from='${bare(user)}'><status>Hi</status></presence>`,
      ),
    )
  })

  test('to nobody is a bad request, and one to an address that is none is malformed', async () => {
    const user = await login('user')
    user.send("<presence id='1' type='subscribe'/>")
    user.send("<presence id='2' type='subscribe' to='@test'/>")
    const errors = [await user.receive('presence'), await user.receive('presence')].map((it) => [it.attrs.id, errorCondition(it)])
    assert.deepEqual(errors, [
      ['1', 'bad-request'],
      ['2', 'jid-malformed'],
    ])
  })

  test('to oneself does nothing', async () => {
    const user = await login('user')
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']) user.send(`<presence type='${type}' to='${bare(user)}'/>`)
    await user.receiveNothing()
    assert.deepEqual(await itemsOf(user), [])
  })

  test('that cannot be routed is answered with an error (§3.1.2)', async () => {
    const user = await login('user')
    user.send("<presence id='1' type='subscribe' to='a@elsewhere.example'/>")
    assert.equal(errorCondition(await user.receive('presence')), 'remote-server-not-found')
  })

  test('asking goes to available resources, what tells of changes to interested ones before the push (§3.1.3, §3.1.6, §3.2.3, §3.3.3)', async () => {
    const account = await stage.account('user')
    const available = await stage.another(account)
    const waiting = await interested(await stage.another(account, { available: false }))
    await settle(available, waiting)
    await peer.say(`<presence type='subscribe' from='a@peer.test' to='${account}'/>`)
    waiting.send("<presence type='subscribed' to='a@peer.test'/><presence type='subscribe' to='a@peer.test'/>")
    await waiting.sync()
    waiting.stream.discard(isPush)
    for (const type of ['subscribed', 'unsubscribe', 'unsubscribed']) await peer.say(`<presence type='${type}' from='a@peer.test' to='${account}'/>`)
    await available.receive((el) => el.attrs.type === 'subscribe')
    await available.receiveNothing((el) => el.getName() === 'presence' || isPush(el))
    await waiting.sync()
    const told = waiting.stream.queued().map((el) => (isPush(el) ? 'push' : String(el.attrs.type)))
    assert.deepEqual(told, ['subscribed', 'push', 'unsubscribe', 'push', 'unsubscribed', 'push'])
  })
})

describe('losing a contact', () => {
  test('by unsubscribing: state, notice, unavailable presence, and nothing more is shown (§3.3)', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    await befriend(user, contact)
    user.send(`<presence to='${bare(contact)}' type='unsubscribe'/>`)
    assert.equal(await pushed(user), `${bare(contact)} from`)
    assert.equal(await seen(contact), `unsubscribe ${bare(user)}`)
    assert.equal(await pushed(contact), `${bare(user)} to`)
    assert.equal(await seen(user), `unavailable ${contact.jid}`)
    contact.send('<presence><status>Unseen</status></presence>')
    await contact.sync()
    await user.receiveNothing()
  })

  test('who cancels: unavailable presence of every resource, then the notice, then nothing (§3.2.2, §3.2.3)', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    const other = await stage.another(contact)
    await befriend(user, contact)
    await settle(user, contact, other)
    contact.send(`<presence to='${bare(user)}' type='unsubscribed'/>`)
    assert.equal(await pushed(contact), `${bare(user)} to`)
    assert.deepEqual([await seen(user), await seen(user)].sort(), [`unavailable ${contact.jid}`, `unavailable ${other.jid}`].sort())
    assert.equal(await seen(user), `unsubscribed ${bare(contact)}`)
    assert.equal(await pushed(user), `${bare(contact)} from`)
    other.send('<presence><status>Unseen</status></presence>')
    await other.sync()
    await user.receiveNothing()
  })

  test('while the contact is away is known at the next login', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    await subscribe(user, contact)
    await contact.close()
    user.send(`<presence to='${bare(contact)}' type='unsubscribe'/>`)
    await user.sync()
    assert.deepEqual(await itemsOf(await stage.another(contact)), [`${bare(user)} none`])
  })

  test('by removing the item: both directions end, and the account stays (§2.5.2)', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    await befriend(user, contact)
    assert.equal((await setItem(user, `<item jid='${bare(contact)}' subscription='remove'/>`)).attrs.type, 'result')
    assert.equal(await pushed(user), `${bare(contact)} remove`)
    assert.equal(await seen(contact), `unavailable ${user.jid}`)
    assert.equal(await seen(contact), `unsubscribed ${bare(user)}`)
    assert.equal(await pushed(contact), `${bare(user)} from`)
    assert.equal(await seen(contact), `unsubscribe ${bare(user)}`)
    assert.equal(await pushed(contact), `${bare(user)} none`)
    assert.equal(await seen(user), `unavailable ${contact.jid}`)
    assert.deepEqual(await itemsOf(user), [])
    assert.equal(await server.accounts.exists(contact.jid.local), true)
  })

  test('whose account is removed: the subscriptions end both ways (XEP-0077 §3.2)', async () => {
    const [user, contact] = [await login('user'), await login('contact')]
    await befriend(user, contact)
    await server.accounts.remove(user.jid.local)
    assert.equal(await seen(contact), `unavailable ${user.jid}`)
    assert.equal(await seen(contact), `unsubscribed ${bare(user)}`)
    assert.equal(await seen(contact), `unsubscribe ${bare(user)}`)
    assert.deepEqual(await itemsOf(contact), [`${bare(user)} none`])
    assert.deepEqual(await server.database.forPlugin('test').knex('ofRoster').where('username', user.jid.local), [])
  })
})

describe('approval in advance', () => {
  const approve = (user: TestClient, jid: string) => user.send(`<presence type='subscribed' to='${jid}'/>`)

  test('is offered as a stream feature (§3.4)', async () => {
    const stream = await stage.authenticated()
    stream.write('</stream:stream>')
    assert.ok(stream.received.some((el) => el.getChild('sub', NS.preApproval)))
  })

  test('of a stranger makes an item, tells nobody, and answers the request when it comes (§3.4.2)', async () => {
    const user = await login('user')
    peer.take()
    approve(user, 'a@peer.test')
    assert.equal(await pushed(user), 'a@peer.test none approved')
    await user.sync()
    assert.deepEqual(peer.take(), [])
    await peer.say(`<presence type='subscribe' id='s' from='a@peer.test' to='${bare(user)}'/>`)
    assert.equal(await pushed(user), 'a@peer.test from approved')
    await user.receiveNothing((el) => el.attrs.type === 'subscribe')
    const [answer, shown] = peer.take()
    assert.match(String(answer), new RegExp(`^<presence from="${bare(user)}" to="a@peer.test" type="subscribed" id="s"/>$`))
    assert.match(String(shown), new RegExp(`from="${user.jid}"`))
  })

  test('is taken back by unsubscribed, which is not routed (§3.2.2, §3.4.2)', async () => {
    const user = await login('user')
    peer.take()
    approve(user, 'a@peer.test')
    user.send("<presence type='unsubscribed' to='a@peer.test'/>")
    assert.deepEqual([await pushed(user), await pushed(user)], ['a@peer.test none approved', 'a@peer.test none'])
    await user.sync()
    assert.deepEqual(peer.take(), [])
    await peer.say(`<presence type='subscribe' from='a@peer.test' to='${bare(user)}'/>`)
    assert.equal(await seen(user), 'subscribe a@peer.test')
  })

  test('survives a probe of who is not subscribed yet (§4.3.2)', async () => {
    const user = await login('user')
    approve(user, 'a@peer.test')
    await peer.say(`<presence type='probe' from='a@peer.test' to='${bare(user)}'/>`)
    assert.deepEqual(await itemsOf(user), ['a@peer.test none approved'])
  })

  test('is no business of a client: what a roster set says of it is ignored (§2.1.2.1)', async () => {
    const user = await login('user')
    await setItem(user, "<item jid='a@peer.test' approved='true' ask='subscribe' subscription='both'/>")
    assert.deepEqual(await itemsOf(user), ['a@peer.test none'])
  })
})
