import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { presence as build, type PresenceService } from '@beaconfire/plugin-sdk'
import { memoryDatabase } from '../../core/auth/memory-database.js'
import { FakeServer, type FakeSession } from '../roster/fake-server.fixture.js'
import roster from '../roster/index.js'
import presence from './index.js'

async function open(t: TestContext, config = {}) {
  const database = await memoryDatabase(roster.tables ?? [], presence.tables ?? [])
  const server = new FakeServer(database)
  await server.load(roster)
  const plugin = await server.load(presence, config)
  t.after(async () => {
    await plugin.stop?.()
    await database.close()
  })
  return { server, database, plugin }
}

/** Writes both ends of a subscription into the tables, as if it had been there before the server started. */
async function befriend(server: FakeServer, ...pairs: readonly [string, string, sub?: number][]): Promise<void> {
  const row = { ask: -1, recv: -1, nick: null, stanza: null }
  for (const [user, contact, sub = 3] of pairs) {
    const mirrored = sub === 3 ? 3 : 3 - sub
    for (const [username, jid, code] of [
      [user, contact, sub],
      [contact.split('@')[0], `${user}@test`, mirrored],
    ] as const) {
      const rosterID = await server.database.nextId(18)
      if (jid.endsWith('@test') || username === user) await server.database.knex('ofRoster').insert({ ...row, rosterID, username, jid, sub: code })
    }
  }
}

const from = (session: FakeSession, xml: string) => xml.replace('<presence', `<presence from="${session.jid}"`)
/** What came, as sets of attributes and content, whatever the order of the attributes. */
const normal = (xml: string) =>
  xml.replace(
    /^<presence([^>]*?)(\/?)>/,
    (_, attributes: string, end: string) =>
      `<presence${attributes
        .split(/ (?=[\w:]+=)/)
        .sort()
        .join(' ')}${end}>`,
  )
function received(session: FakeSession, expected: readonly string[]): void {
  assert.deepEqual(session.take().map(normal), expected.map(normal))
}

describe('a broadcast', () => {
  test('of initial presence reaches contacts who may see it, and brings theirs', async (t) => {
    const { server } = await open(t)
    await befriend(server, ['romeo', 'juliet@test'], ['romeo', 'nurse@test', 2], ['romeo', 'paris@test', 1], ['romeo', 'remote@elsewhere'])
    const juliet = await server.login('juliet', 'a')
    const juliet2 = await server.login('juliet', 'b')
    const nurse = await server.login('nurse', 'a')
    const paris = await server.login('paris', 'a')
    await juliet.send('<presence xml:lang="en"><show>dnd</show><status>Busy</status><priority>3</priority></presence>')
    for (const session of server.live) session.take()
    const romeo = await server.login('romeo', 'x', false)
    await romeo.send('<presence><status>Here</status></presence>')
    const mine = (to: string) => from(romeo, `<presence to="${to}"><status>Here</status></presence>`)
    received(juliet, [mine('juliet@test')])
    received(juliet2, [mine('juliet@test')])
    received(nurse, [mine('nurse@test')])
    received(paris, [])
    assert.deepEqual(
      server.remote.map(normal),
      [mine('remote@elsewhere'), '<presence from="romeo@test" to="remote@elsewhere" type="probe"/>'].map(normal),
    )
    received(romeo, [
      mine('romeo@test/x'),
      from(juliet, '<presence to="romeo@test/x" xml:lang="en"><show>dnd</show><status>Busy</status><priority>3</priority></presence>'),
      from(juliet2, '<presence to="romeo@test/x"/>'),
      from(paris, '<presence to="romeo@test/x"/>'),
    ])
  })

  test("reaches the user's own available resources, and a new one learns of the others", async (t) => {
    const { server } = await open(t)
    const [a, b] = [await server.login('romeo', 'a'), await server.login('romeo', 'b', false)]
    a.take()
    await b.send('<presence/>')
    received(a, [from(b, '<presence to="romeo@test/a"/>')])
    received(b, [from(b, '<presence to="romeo@test/b"/>'), from(a, '<presence to="romeo@test/b"/>')])
    await b.send("<presence type='unavailable'/>")
    received(a, [from(b, '<presence to="romeo@test/a" type="unavailable"/>')])
    received(b, [from(b, '<presence to="romeo@test/b" type="unavailable"/>')])
  })

  test('to 200 contacts makes no query, and probes are not repeated', async (t) => {
    const { server, database } = await open(t)
    await befriend(server, ...Array.from({ length: 200 }, (_, i): [string, string] => ['romeo', `c${i}@test`]))
    const contacts: FakeSession[] = []
    for (let i = 0; i < 200; i += 50) contacts.push(await server.login(`c${i}`, 'x'))
    const romeo = await server.login('romeo', 'x')
    for (const session of server.live) session.take()
    const before = database.queries.length
    await romeo.send('<presence><show>away</show></presence>')
    assert.equal(database.queries.length, before)
    for (const contact of contacts) received(contact, [from(romeo, `<presence to="${contact.jid.bare()}"><show>away</show></presence>`)])
    received(romeo, [from(romeo, '<presence to="romeo@test/x"><show>away</show></presence>')])
  })

  test('of unavailable presence carries what the client said, of a lost connection nothing', async (t) => {
    const { server } = await open(t)
    await befriend(server, ['romeo', 'juliet@test'])
    const juliet = await server.login('juliet', 'a')
    for (const end of ['goodbye', 'loss'] as const) {
      const romeo = await server.login('romeo', end)
      juliet.take()
      if (end === 'goodbye') await romeo.send("<presence type='unavailable'><status>Exeunt</status></presence>")
      await romeo.drop()
      const content = end === 'goodbye' ? '><status>Exeunt</status></presence>' : '/>'
      received(juliet, [from(romeo, `<presence type="unavailable" to="juliet@test"${content}`)])
    }
  })

  for (const priority of ['128', '-129', 'high', '1.5', '']) {
    test(`with the priority "${priority}" is refused with bad-request, and the resource stays what it was`, async (t) => {
      const { server } = await open(t)
      const romeo = await server.login('romeo', 'x', false)
      await romeo.send(`<presence id='1'><priority>${priority}</priority></presence>`)
      assert.match(romeo.take().join(), /type="error".*bad-request/)
      assert.equal(romeo.isAvailable, false)
    })
  }
})

describe('a probe', () => {
  test('from who may see the account is answered by every available resource with its last presence', async (t) => {
    const { server } = await open(t)
    await befriend(server, ['juliet', 'romeo@elsewhere'])
    const [a, b] = [await server.login('juliet', 'a'), await server.login('juliet', 'b')]
    await a.send('<presence><status>Now</status></presence>')
    server.remote.length = 0
    const probe = async (to: string) => {
      await server.route(build({ type: 'probe', from: 'romeo@elsewhere', to }))
      return server.remote.splice(0).map(normal)
    }
    const answers = [from(a, '<presence to="romeo@elsewhere"><status>Now</status></presence>'), from(b, '<presence to="romeo@elsewhere"/>')].map(
      normal,
    )
    assert.deepEqual(await probe('juliet@test'), answers)
    assert.deepEqual(await probe('juliet@test/b'), answers.slice(1))
    await a.drop()
    await b.send("<presence type='unavailable'><status>Gone</status></presence>")
    server.remote.length = 0
    const [last] = await probe('juliet@test')
    assert.match(
      last ?? '',
      /^<presence from="juliet@test" to="romeo@elsewhere" type="unavailable"><status>Gone<\/status><delay xmlns="urn:xmpp:delay" from="juliet@test" stamp="[^"]+"\/><\/presence>$/,
    )
  })

  test('from who may not is answered with unsubscribed, unless the request still waits', async (t) => {
    const { server } = await open(t)
    const juliet = await server.login('juliet', 'a')
    await server.route(build({ type: 'probe', from: 'tybalt@elsewhere/x', to: 'juliet@test' }))
    assert.deepEqual(server.remote.splice(0).map(normal), ['<presence from="juliet@test" to="tybalt@elsewhere" type="unsubscribed"/>'])
    await server.route(build({ type: 'subscribe', from: 'tybalt@elsewhere', to: 'juliet@test' }))
    await server.route(build({ type: 'probe', from: 'tybalt@elsewhere', to: 'juliet@test' }))
    assert.deepEqual(server.remote, [])
    assert.equal(juliet.take().filter((it) => it.includes('probe')).length, 0, 'a probe is no business of clients')
  })

  test('keeps the id of what is shown, and mirrors its own where nothing is (§4.3.2.1)', async (t) => {
    const { server } = await open(t)
    await befriend(server, ['juliet', 'romeo@elsewhere'])
    const juliet = await server.login('juliet', 'a', false)
    await juliet.send("<presence id='shown'><show>dnd</show></presence>")
    const probe = async (to: string, asker = 'romeo@elsewhere') => {
      server.remote.length = 0
      await server.route(build({ type: 'probe', from: asker, to, id: 'probe' }))
      return server.remote.map(normal)
    }
    assert.deepEqual(await probe('juliet@test'), ['<presence from="juliet@test/a" id="shown" to="romeo@elsewhere"><show>dnd</show></presence>'])
    assert.deepEqual(await probe('juliet@test/a'), ['<presence from="juliet@test/a" to="romeo@elsewhere"/>'], 'no more than that it is there')
    assert.deepEqual(await probe('juliet@test/b'), ['<presence from="juliet@test/b" id="probe" to="romeo@elsewhere" type="unavailable"/>'])
    assert.deepEqual(await probe('juliet@test', 'tybalt@elsewhere'), [
      '<presence from="juliet@test" id="probe" to="tybalt@elsewhere" type="unsubscribed"/>',
    ])
    await juliet.drop()
    const [answer] = await probe('juliet@test')
    assert.match(answer ?? '', /^<presence from="juliet@test" id="probe" to="romeo@elsewhere" type="unavailable"><delay /)
  })

  test('from who got directed presence is answered by that resource alone, and with no more (§4.6.6)', async (t) => {
    const { server } = await open(t)
    const juliet = await server.login('juliet', 'a')
    await server.login('juliet', 'b')
    await juliet.send("<presence to='room@muc.elsewhere/j'><status>Secret</status></presence>")
    server.remote.length = 0
    for (const to of ['juliet@test/a', 'juliet@test', 'juliet@test/b']) await server.route(build({ type: 'probe', from: 'room@muc.elsewhere/j', to }))
    const there = '<presence from="juliet@test/a" to="room@muc.elsewhere/j"/>'
    assert.deepEqual(server.remote.map(normal), [there, there, '<presence from="juliet@test" to="room@muc.elsewhere" type="unsubscribed"/>'])
  })

  test('at login brings what absent contacts said when they went, in one query', async (t) => {
    const { server, database } = await open(t)
    await befriend(server, ['romeo', 'juliet@test'], ['romeo', 'paris@test', 2], ['romeo', 'nurse@test'])
    for (const name of ['juliet', 'paris', 'nurse']) {
      const session = await server.login(name, 'a')
      await session.send(
        name === 'nurse' ? "<presence type='unavailable'/>" : `<presence type='unavailable'><status>${name} left</status></presence>`,
      )
      await session.drop()
    }
    const before = database.queries.length
    const romeo = await server.login('romeo', 'x')
    assert.equal(database.queries.slice(before).filter((sql) => sql.startsWith('select') && sql.includes('ofPresence')).length, 1)
    const [, last, ...more] = romeo.take().map(normal)
    assert.match(last ?? '', /^<presence from="juliet@test" to="romeo@test\/x" type="unavailable"><status>juliet left<\/status><delay/)
    assert.deepEqual(more, [])
  })
})

describe('directed presence', () => {
  test('is taken back from all who got it when the resource goes, once from each', async (t) => {
    const { server } = await open(t)
    await befriend(server, ['romeo', 'juliet@test'])
    const juliet = await server.login('juliet', 'a')
    const tybalt = await server.login('tybalt', 'a')
    const romeo = await server.login('romeo', 'x')
    tybalt.take()
    for (const to of ['tybalt@test/a', 'juliet@test', 'room@muc.elsewhere/romeo', 'left@muc.elsewhere/romeo'])
      await romeo.send(`<presence to='${to}'/>`)
    await romeo.send("<presence type='unavailable' to='left@muc.elsewhere/romeo'/>")
    received(tybalt, [from(romeo, '<presence to="tybalt@test/a"/>')])
    const service = server.services.presence as PresenceService
    assert.equal(service.hasDirected(romeo, tybalt.jid), true)
    assert.equal(service.hasDirected(romeo, juliet.jid), false)
    juliet.take()
    server.remote.length = 0
    await romeo.drop()
    received(tybalt, [from(romeo, '<presence type="unavailable" to="tybalt@test/a"/>')])
    received(juliet, [from(romeo, '<presence type="unavailable" to="juliet@test"/>')])
    assert.deepEqual(server.remote.map(normal), [from(romeo, '<presence type="unavailable" to="room@muc.elsewhere/romeo"/>')].map(normal))
  })

  test('of a resource that never was available is taken back too', async (t) => {
    const { server } = await open(t)
    const romeo = await server.login('romeo', 'x', false)
    await romeo.send("<presence to='room@muc.elsewhere/romeo'/>")
    server.remote.length = 0
    await romeo.drop()
    assert.deepEqual(server.remote.map(normal), [from(romeo, '<presence type="unavailable" to="room@muc.elsewhere/romeo"/>')].map(normal))
  })

  test('is forgotten when the other side says it is gone, or that it never was', async (t) => {
    const { server } = await open(t)
    const romeo = await server.login('romeo', 'x')
    for (const type of ['error', 'unavailable'] as const) {
      await romeo.send("<presence to='room@muc.elsewhere/romeo'/>")
      await server.route(build({ type, from: 'room@muc.elsewhere/romeo', to: romeo.jid }))
    }
    server.remote.length = 0
    await romeo.drop()
    assert.deepEqual(server.remote, [])
  })

  test('beyond the limit is refused and not routed', async (t) => {
    const { server } = await open(t, { maxDirectedPresences: 1 })
    const romeo = await server.login('romeo', 'x')
    for (const room of ['a', 'a', 'b']) await romeo.send(`<presence to='${room}@muc.elsewhere/romeo'/>`)
    assert.equal(server.remote.length, 2)
    assert.match(romeo.take().join(), /resource-constraint/)
  })

  test('survives a reload of the plugin', async (t) => {
    const { server, database, plugin } = await open(t)
    const romeo = await server.login('romeo', 'x')
    await romeo.send("<presence to='room@muc.elsewhere/romeo'/>")
    const saved = structuredClone(await plugin.save?.())
    const next = new FakeServer(database)
    next.live = server.live
    await next.load(roster)
    const after = await next.load(presence)
    await after.restore?.(saved)
    assert.equal((next.services.presence as PresenceService).hasDirected(romeo, romeo.jid), false)
    assert.deepEqual(await after.save?.(), { 'romeo@test/x': ['room@muc.elsewhere/romeo'] })
    await after.restore?.({ 'gone@test/x': ['a@b'], 'romeo@test/x': 'nonsense' })
  })
})

describe('a change of subscription', () => {
  test('shows the resources of who granted it, and hides them when it is withdrawn', async (t) => {
    const { server } = await open(t)
    const [romeo, juliet] = [await server.login('romeo', 'x'), await server.login('juliet', 'a')]
    await juliet.send('<presence><status>On the balcony</status></presence>')
    await romeo.request('get', "<query xmlns='jabber:iq:roster'/>")
    const push = (subscription: string) =>
      `<iq type="set" to="romeo@test/x"><query xmlns="jabber:iq:roster"><item jid="juliet@test" subscription="${subscription}"/></query></iq>`
    await romeo.send("<presence type='subscribe' to='juliet@test'/>")
    romeo.take()
    await juliet.send("<presence type='subscribed' to='romeo@test'/>")
    received(romeo, [
      '<presence from="juliet@test" to="romeo@test" type="subscribed"/>',
      push('to'),
      from(juliet, '<presence to="romeo@test"><status>On the balcony</status></presence>'),
    ])
    await juliet.send("<presence type='unsubscribed' to='romeo@test'/>")
    received(romeo, [
      from(juliet, '<presence to="romeo@test" type="unavailable"/>'),
      '<presence from="juliet@test" to="romeo@test" type="unsubscribed"/>',
      push('none'),
    ])
    await juliet.send('<presence/>')
    received(romeo, [])
  })

  test('given up shows the contact as unavailable', async (t) => {
    const { server } = await open(t)
    await befriend(server, ['romeo', 'juliet@test'])
    const juliet = await server.login('juliet', 'a')
    const romeo = await server.login('romeo', 'x')
    romeo.take()
    await romeo.send("<presence type='unsubscribe' to='juliet@test'/>")
    received(romeo, [from(juliet, '<presence to="romeo@test" type="unavailable"/>')])
  })
})

test('what is kept of a user goes with the account', async (t) => {
  const { server, database, plugin } = await open(t)
  const romeo = await server.login('romeo', 'x')
  await romeo.send("<presence type='unavailable'><status>Exit</status></presence>")
  await server.tell('userDeleted', { user: romeo.jid.bare() })
  server.users.delete('romeo')
  await romeo.drop()
  await plugin.stop?.()
  assert.deepEqual(await database.knex('ofPresence'), [])
})

test('thousands that go at once are kept in few transactions', async (t) => {
  const { server, database, plugin } = await open(t)
  for (let i = 0; i < 50; i++) await server.login(`u${i}`, 'x')
  let transactions = 0
  const transaction = database.transaction.bind(database)
  database.transaction = (work) => {
    transactions++
    return transaction(work)
  }
  await Promise.all([...server.live].map((session) => session.drop()))
  await plugin.stop?.()
  assert.equal((await database.knex('ofPresence')).length, 50)
  assert.ok(transactions < 10, `${transactions} transactions`)
})
