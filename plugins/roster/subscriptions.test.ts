import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type PresenceType, parseElement, presence, type RosterService, type SubscriptionChange } from '@beaconfire/plugin-sdk'
import { memoryDatabase } from '../../core/auth/memory-database.js'
import { FakeServer, type FakeSession } from './fake-server.fixture.js'
import roster from './index.js'

const GET = "<query xmlns='jabber:iq:roster'/>"

async function open(t: TestContext, config = {}) {
  const database = await memoryDatabase(roster.tables ?? [])
  t.after(() => database.close())
  const server = new FakeServer(database)
  const plugin = await server.load(roster, config)
  const changes: string[] = []
  ;(server.services.roster as RosterService).onSubscriptionChange(({ user, contact, maySeePresence }: SubscriptionChange) => {
    changes.push(`${contact} ${maySeePresence ? 'may' : 'may not'} see ${user}`)
  })
  const login = async (user: string, resource = 'a') => {
    const session = await server.login(user, resource)
    await session.request('get', GET)
    session.take()
    return session
  }
  return { server, database, changes, login, plugin }
}

const push = (to: FakeSession, item: string) => `<iq type="set" to="${to.jid}"><query xmlns="jabber:iq:roster"><item ${item}/></query></iq>`
const subscribeBoth = async (a: FakeSession, b: FakeSession) => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    await from.send(`<presence type='subscribe' to='${to.jid.bare()}'/>`)
    await to.send(`<presence type='subscribed' to='${from.jid.bare()}'/>`)
  }
  a.take()
  b.take()
}

describe('a subscription', () => {
  test('is asked for, granted and seen by both, each step stamped with bare JIDs', async (t) => {
    const { changes, login } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await romeo.send("<presence id='s' type='subscribe' to='juliet@test/balcony'><status>Please</status></presence>")
    assert.deepEqual(romeo.take(), [push(romeo, 'jid="juliet@test" subscription="none" ask="subscribe"')])
    assert.deepEqual(juliet.take(), ['<presence id="s" type="subscribe" to="juliet@test" from="romeo@test"><status>Please</status></presence>'])
    assert.deepEqual(changes, [])

    await juliet.send("<presence type='subscribed' to='romeo@test'/>")
    assert.deepEqual(juliet.take(), [push(juliet, 'jid="romeo@test" subscription="from"')])
    assert.deepEqual(romeo.take(), [
      '<presence type="subscribed" to="romeo@test" from="juliet@test"/>',
      push(romeo, 'jid="juliet@test" subscription="to"'),
    ])
    assert.deepEqual(changes, ['romeo@test may see juliet@test'])
  })

  test('already granted is granted again by the server alone, and nothing is pushed', async (t) => {
    const { login, changes } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await subscribeBoth(romeo, juliet)
    changes.length = 0
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    assert.deepEqual([romeo.take(), juliet.take(), changes], [[], [], []])
  })

  test('asked for while the contact is away is shown at every login until it is answered', async (t) => {
    const { server, login } = await open(t)
    server.users.add('juliet')
    const romeo = await login('romeo')
    await romeo.send("<presence type='subscribe' to='juliet@test'><nick xmlns='http://jabber.org/protocol/nick'>R</nick></presence>")
    const request = '<presence type="subscribe" to="juliet@test" from="romeo@test"><nick xmlns="http://jabber.org/protocol/nick">R</nick></presence>'
    const first = await server.login('juliet', 'a')
    assert.deepEqual(first.take(), [request])
    assert.equal((await first.request('get', GET))?.children.length, 0, 'a mere request is no item')
    await first.drop()
    const second = await server.login('juliet', 'b')
    assert.deepEqual(second.take(), [request])
    await second.send('<presence><show>away</show></presence>')
    assert.deepEqual(second.take(), [], 'only the first presence of a resource counts')
    await second.send("<presence type='unsubscribed' to='romeo@test'/>")
    await second.drop()
    assert.deepEqual((await server.login('juliet', 'c')).take(), [])
  })

  test('refused leaves no ask behind, and no row with the one who refused', async (t) => {
    const { login, database } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    romeo.take()
    juliet.take()
    await juliet.send("<presence type='unsubscribed' to='romeo@test'/>")
    assert.deepEqual(juliet.take(), [])
    assert.deepEqual(romeo.take(), [
      '<presence type="unsubscribed" to="romeo@test" from="juliet@test"/>',
      push(romeo, 'jid="juliet@test" subscription="none"'),
    ])
    assert.deepEqual(await database.knex('ofRoster').where('username', 'juliet'), [])
  })

  test('of someone the user has in the roster leaves that item in place when it is refused', async (t) => {
    const { login } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await juliet.request('set', "<query xmlns='jabber:iq:roster'><item jid='romeo@test'/></query>")
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    await juliet.send("<presence type='unsubscribed' to='romeo@test'/>")
    const [item] = (await juliet.request('get', GET))?.children ?? []
    assert.equal(String(item), '<item jid="romeo@test" subscription="none"/>')
  })

  test('given up by the user changes both rosters, and the contact stops being seen', async (t) => {
    const { login, changes } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await subscribeBoth(romeo, juliet)
    changes.length = 0
    await romeo.send("<presence type='unsubscribe' to='juliet@test'/>")
    assert.deepEqual(romeo.take(), [push(romeo, 'jid="juliet@test" subscription="from"')])
    assert.deepEqual(juliet.take(), [
      '<presence type="unsubscribe" to="juliet@test" from="romeo@test"/>',
      push(juliet, 'jid="romeo@test" subscription="to"'),
    ])
    assert.deepEqual(changes, ['romeo@test may not see juliet@test'])
  })

  test('withdrawn by the contact changes both rosters', async (t) => {
    const { login, changes } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await subscribeBoth(romeo, juliet)
    changes.length = 0
    await juliet.send("<presence type='unsubscribed' to='romeo@test'/>")
    assert.deepEqual(juliet.take(), [push(juliet, 'jid="romeo@test" subscription="to"')])
    assert.deepEqual(romeo.take(), [
      '<presence type="unsubscribed" to="romeo@test" from="juliet@test"/>',
      push(romeo, 'jid="juliet@test" subscription="from"'),
    ])
    assert.deepEqual(changes, ['romeo@test may not see juliet@test'])
  })

  test('is told to the resources whose business it is: requests to the available, changes to the interested (§3.1.3, §3.1.6)', async (t) => {
    const { server, login } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    const [available, interested] = [await server.login('romeo', 'available'), await server.login('romeo', 'interested', false)]
    await interested.request('get', GET)
    await juliet.send("<presence type='subscribe' to='romeo@test'/>")
    const types = (session: FakeSession) => session.take().map((it) => /type="(\w+)"/.exec(it)?.[1])
    assert.deepEqual([types(romeo), types(available), types(interested)], [['subscribe'], ['subscribe'], []])
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    await juliet.send("<presence type='subscribed' to='romeo@test'/>")
    assert.deepEqual([types(romeo), types(available), types(interested)], [['set', 'subscribed', 'set'], [], ['set', 'subscribed', 'set']])
  })

  test('is ended in answer to the contact who gave it up, with the id of what said so (A.3.2)', async (t) => {
    const { server, login } = await open(t)
    const juliet = await login('juliet')
    const from = (type: PresenceType, id: string, to = 'juliet@test') => server.route(presence({ type, id, from: 'romeo@elsewhere', to }))
    await from('subscribe', '1')
    await juliet.send("<presence type='subscribed' to='romeo@elsewhere'/>")
    server.remote.length = 0
    await from('unsubscribe', '2')
    assert.deepEqual(server.remote, ['<presence from="juliet@test" to="romeo@elsewhere" type="unsubscribed" id="2"/>'])
    await from('unsubscribe', '3')
    assert.equal(server.remote.length, 1)
  })

  test('is not changed by what comes for a resource that is not there, unless it is a request (§8.5.3.2.2)', async (t) => {
    const { server, login } = await open(t)
    const juliet = await login('juliet')
    await juliet.send("<presence type='subscribe' to='romeo@elsewhere'/>")
    juliet.take()
    const to = 'juliet@test/gone'
    await server.route(presence({ type: 'subscribed', from: 'romeo@elsewhere', to }))
    assert.deepEqual(juliet.take(), [])
    await server.route(presence({ type: 'subscribe', from: 'romeo@elsewhere', to }))
    assert.deepEqual(juliet.take(), ['<presence from="romeo@elsewhere" to="juliet@test" type="subscribe"/>'])
  })

  test('approved in advance is granted without asking, until the approval is taken back (§3.4)', async (t) => {
    const { login, server, changes } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await juliet.send("<presence type='subscribed' to='romeo@test'/>")
    await juliet.send("<presence type='subscribed' to='nurse@elsewhere'/>")
    await juliet.send("<presence type='unsubscribed' to='nurse@elsewhere'/>")
    assert.deepEqual(juliet.take(), [
      push(juliet, 'jid="romeo@test" subscription="none" approved="true"'),
      push(juliet, 'jid="nurse@elsewhere" subscription="none" approved="true"'),
      push(juliet, 'jid="nurse@elsewhere" subscription="none"'),
    ])
    assert.deepEqual([romeo.take(), server.remote], [[], []])
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    assert.deepEqual(juliet.take(), [push(juliet, 'jid="romeo@test" subscription="from" approved="true"')])
    assert.deepEqual(romeo.take().slice(1), [
      '<presence from="juliet@test" to="romeo@test" type="subscribed"/>',
      push(romeo, 'jid="juliet@test" subscription="to"'),
    ])
    assert.deepEqual(changes, ['romeo@test may see juliet@test'])
  })

  test('to nobody, oneself or an unknown account is refused, ignored, and ignored', async (t) => {
    const { login } = await open(t)
    const romeo = await login('romeo')
    await romeo.send("<presence id='1' type='subscribe'/>")
    assert.match(romeo.take().join(), /bad-request/)
    await romeo.send("<presence type='subscribe' to='romeo@test'/>")
    assert.deepEqual(romeo.take(), [])
    await romeo.send("<presence type='subscribe' to='nobody@test'/>")
    assert.deepEqual(romeo.take(), [push(romeo, 'jid="nobody@test" subscription="none" ask="subscribe"')])
  })

  test('asked for by more strangers than are kept is refused to the next', async (t) => {
    const { server, login } = await open(t, { maxPendingRequests: 1 })
    server.users.add('juliet')
    const [romeo, paris] = [await login('romeo'), await login('paris')]
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    await paris.send("<presence type='subscribe' to='juliet@test'/>")
    assert.match(paris.take().join(), /resource-constraint/)
    assert.equal((await server.login('juliet', 'a')).take().length, 1)
  })
})

describe('removal', () => {
  test('of an item ends the subscriptions both ways (§2.5.2)', async (t) => {
    const { login, changes } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await subscribeBoth(romeo, juliet)
    changes.length = 0
    await romeo.request('set', "<query xmlns='jabber:iq:roster'><item jid='juliet@test' subscription='remove'/></query>")
    assert.deepEqual(romeo.take(), [push(romeo, 'jid="juliet@test" subscription="remove"')])
    assert.deepEqual(juliet.take(), [
      '<presence from="romeo@test" to="juliet@test" type="unsubscribed"/>',
      push(juliet, 'jid="romeo@test" subscription="from"'),
      '<presence from="romeo@test" to="juliet@test" type="unsubscribe"/>',
      push(juliet, 'jid="romeo@test" subscription="none"'),
    ])
    assert.deepEqual(changes, ['juliet@test may not see romeo@test', 'romeo@test may not see juliet@test'])
  })

  test('of an account ends all its subscriptions and leaves no row', async (t) => {
    const { server, login, database } = await open(t)
    const [romeo, juliet] = [await login('romeo'), await login('juliet')]
    await subscribeBoth(romeo, juliet)
    await romeo.send("<presence type='subscribe' to='nurse@elsewhere'/>")
    await romeo.request('set', "<query xmlns='jabber:iq:roster'><item jid='paris@test'><group>Rivals</group></item></query>")
    server.remote.length = 0
    await server.tell('userDeleted', { user: romeo.jid.bare() })
    assert.deepEqual(server.remote, ['<presence from="romeo@test" to="nurse@elsewhere" type="unsubscribe"/>'])
    const [item] = (await juliet.request('get', GET))?.children ?? []
    assert.equal(String(item), '<item jid="romeo@test" subscription="none"/>')
    assert.deepEqual(await database.knex('ofRoster').where('username', 'romeo'), [])
    assert.deepEqual(await database.knex('ofRosterGroups'), [])
  })
})

test('a reload of the plugin remembers who is interested in pushes', async (t) => {
  const { server, login, database, plugin } = await open(t)
  const romeo = await login('romeo')
  await server.login('romeo', 'silent')
  const next = new FakeServer(database)
  next.live = server.live
  const after = await next.load(roster)
  const saved = await plugin.save?.()
  assert.deepEqual(saved, ['romeo@test/a'])
  await after.restore?.([...(saved as string[]), 'gone@test/x', 7])
  await next.request('set', parseElement("<query xmlns='jabber:iq:roster'><item jid='juliet@test'/></query>"), romeo, romeo.jid.bare())
  assert.deepEqual(romeo.take(), [push(romeo, 'jid="juliet@test" subscription="none"')])
})
