import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { StanzaError } from '@beaconfire/plugin-sdk'
import { type MemoryDatabase, memoryDatabase } from '../../core/auth/memory-database.js'
import { FakeServer, type FakeSession } from './fake-server.fixture.js'
import roster from './index.js'

const GET = "<query xmlns='jabber:iq:roster'/>"
const item = (attributes: string, content = '') => `<query xmlns='jabber:iq:roster'><item ${attributes}>${content}</item></query>`
const refused = (condition: string) => (error: unknown) => error instanceof StanzaError && error.condition === condition

async function open(t: TestContext, config = {}): Promise<{ server: FakeServer; database: MemoryDatabase }> {
  const database = await memoryDatabase(roster.tables ?? [])
  t.after(() => database.close())
  const server = new FakeServer(database)
  await server.load(roster, config)
  return { server, database }
}

const items = async (session: FakeSession) => (await session.request('get', GET))?.children.map(String)

describe('roster set and get', () => {
  test('an item is pushed to the resources that asked for the roster, and to no other', async (t) => {
    const { server } = await open(t)
    const [a, b, c] = [await server.login('romeo', 'a'), await server.login('romeo', 'b'), await server.login('romeo', 'c')]
    assert.deepEqual(await items(a), [])
    await items(b)
    await a.request('set', item("jid='juliet@test' name='Juliet' subscription='both'", '<group>Lovers</group>'))
    const pushed = '<item jid="juliet@test" name="Juliet" subscription="none"><group>Lovers</group></item>'
    const push = (to: string) => `<iq type="set" to="${to}"><query xmlns="jabber:iq:roster">${pushed}</query></iq>`
    assert.deepEqual(a.take(), [push('romeo@test/a')])
    assert.deepEqual(b.take(), [push('romeo@test/b')])
    assert.deepEqual(c.take(), [])
    assert.deepEqual(await items(c), [pushed])
  })

  test('name and groups are replaced, the subscription stays', async (t) => {
    const { server } = await open(t)
    const romeo = await server.login('romeo', 'a')
    await romeo.send("<presence type='subscribe' to='juliet@elsewhere'/>")
    await romeo.request('set', item("jid='juliet@elsewhere' name='J'", '<group>A</group><group>B</group>'))
    await romeo.request('set', item("jid='juliet@elsewhere'", '<group>B</group>'))
    assert.deepEqual(await items(romeo), ['<item jid="juliet@elsewhere" subscription="none" ask="subscribe"><group>B</group></item>'])
  })

  test('what is stored is there after a restart, groups in their order, and the version is the same', async (t) => {
    const { server, database } = await open(t)
    const romeo = await server.login('romeo', 'a')
    await romeo.request('set', item("jid='juliet@test' name='&lt;J&gt;'", '<group>Z</group><group>A</group>'))
    await romeo.send("<presence type='subscribed' to='nurse@test'/>")
    const before = await romeo.request('get', GET)
    const again = new FakeServer(database)
    await again.load(roster)
    const session = await again.login('romeo', 'b')
    assert.equal(String(await session.request('get', GET)), String(before))
    assert.equal(await session.request('get', `<query xmlns='jabber:iq:roster' ver='${before?.attrs.ver}'/>`), undefined)
  })

  test('the version changes with what the user sees, and with nothing else', async (t) => {
    const { server } = await open(t)
    server.users.add('tybalt')
    const romeo = await server.login('romeo', 'a')
    const version = async () => String((await romeo.request('get', GET))?.attrs.ver)
    const empty = await version()
    await romeo.request('set', item("jid='juliet@test'"))
    const one = await version()
    assert.notEqual(one, empty)
    await (await server.login('tybalt', 'x')).send("<presence type='subscribe' to='romeo@test'/>")
    assert.equal(await version(), one)
    await romeo.request('set', item("jid='juliet@test' name='J'"))
    assert.notEqual(await version(), one)
    await romeo.request('set', item("jid='juliet@test' subscription='remove'"))
    assert.equal(await version(), empty)
  })

  for (const [what, payload, condition] of [
    ['two items', "<query xmlns='jabber:iq:roster'><item jid='a@test'/><item jid='b@test'/></query>", 'bad-request'],
    ['no item', GET, 'bad-request'],
    ['no jid', item(''), 'bad-request'],
    ['a jid that is none', item("jid='@@'"), 'jid-malformed'],
    ['a group named twice', item("jid='a@test'", '<group>A</group><group>A</group>'), 'bad-request'],
    ['an empty group', item("jid='a@test'", '<group/>'), 'not-acceptable'],
    ['a group too long', item("jid='a@test'", `<group>${'g'.repeat(256)}</group>`), 'not-acceptable'],
    ['a name too long', item(`jid='a@test' name='${'n'.repeat(256)}'`), 'not-acceptable'],
    ['a jid too long for the table', item(`jid='${'r'.repeat(1000)}@${'long.'.repeat(8)}test'`), 'not-acceptable'],
    ['the own bare jid', item("jid='romeo@test'"), 'not-allowed'],
    ['removal of what is not there', item("jid='a@test' subscription='remove'"), 'item-not-found'],
  ] as const) {
    test(`${what}: ${condition}, and nothing is stored`, async (t) => {
      const { server, database } = await open(t)
      const romeo = await server.login('romeo', 'a')
      await assert.rejects(romeo.request('set', payload), refused(condition))
      assert.deepEqual(await database.knex('ofRoster'), [])
    })
  }

  test("another account's roster is forbidden, to read and to write", async (t) => {
    const { server } = await open(t)
    const romeo = await server.login('romeo', 'a')
    const juliet = await server.login('juliet', 'a')
    await assert.rejects(romeo.request('get', GET, juliet.jid.bare()), refused('forbidden'))
    await assert.rejects(romeo.request('set', item("jid='tybalt@test'"), juliet.jid.bare()), refused('forbidden'))
  })

  test('a full roster takes no more contacts, but changes of those it has', async (t) => {
    const { server } = await open(t, { maxItems: 1 })
    const romeo = await server.login('romeo', 'a')
    await romeo.request('set', item("jid='a@test'"))
    await assert.rejects(romeo.request('set', item("jid='b@test'")), refused('resource-constraint'))
    await romeo.send("<presence id='1' type='subscribe' to='c@elsewhere'/>")
    assert.match(romeo.take().join(), /type="error".*resource-constraint/)
    assert.deepEqual(server.remote, [])
    await romeo.request('set', item("jid='a@test' name='A'"))
  })

  test('changes at the same time are all kept', async (t) => {
    const { server, database } = await open(t)
    const romeo = await server.login('romeo', 'a')
    await Promise.all(Array.from({ length: 20 }, (_, i) => romeo.request('set', item(`jid='c${i}@test'`))))
    await Promise.all([
      romeo.request('set', item("jid='c0@test' name='N'")),
      romeo.send("<presence type='subscribe' to='c0@elsewhere'/>"),
      romeo.send("<presence type='subscribed' to='c0@test'/>"),
    ])
    assert.equal((await items(romeo))?.length, 21)
    const [row] = await database.knex('ofRoster').where('jid', 'c0@test')
    assert.equal(row.nick, 'N')
    assert.deepEqual(await database.knex('ofRosterExtra').where('rosterID', row.rosterID).select('approved'), [{ approved: 1 }])
  })

  test('rosters of accounts without sessions are forgotten beyond the limit, and read again', async (t) => {
    const { server, database } = await open(t, { rememberedRosters: 1 })
    const romeo = await server.login('romeo', 'a')
    await romeo.request('set', item("jid='juliet@test'"))
    for (const name of ['a', 'b']) await (await server.login(name, 'x')).drop()
    const before = database.queries.length
    await items(romeo)
    assert.equal(database.queries.length, before, 'one with a session stays in memory')
    await romeo.drop()
    for (const name of ['c', 'd']) await (await server.login(name, 'x')).drop()
    assert.equal((await items(await server.login('romeo', 'b')))?.length, 1)
    assert.ok(database.queries.length > before)
  })

  test('nothing is pushed or answered as done when it could not be stored', async (t) => {
    const { server, database } = await open(t)
    const romeo = await server.login('romeo', 'a')
    await items(romeo)
    database.transaction = () => Promise.reject(new Error('disk full'))
    await assert.rejects(romeo.request('set', item("jid='juliet@test'")), /disk full/)
    await romeo.send("<presence id='1' type='subscribe' to='juliet@elsewhere'/>")
    assert.match(romeo.take().join(), /^<presence[^>]* type="error".*internal-server-error/)
    assert.deepEqual(server.remote, [])
    assert.deepEqual(await items(romeo), [])
  })
})

test("Openfire's codes are read and written, and rows without a valid JID are left alone", async (t) => {
  const { server, database } = await open(t)
  const row = { username: 'romeo', ask: -1, recv: -1, nick: null, stanza: null }
  await database.knex('ofRoster').insert([
    { ...row, rosterID: 101, jid: 'both@test', sub: 3, nick: 'B' },
    { ...row, rosterID: 102, jid: 'asked@test', sub: 0, ask: 0 },
    {
      ...row,
      rosterID: 103,
      jid: 'asks@test',
      sub: 0,
      recv: 1,
      stanza: "<presence type='subscribe' from='asks@test'><status>hi</status></presence>",
    },
    { ...row, rosterID: 104, jid: '@', sub: 3 },
  ])
  await database.knex('ofRosterGroups').insert([
    { rosterID: 101, rank: 1, groupName: 'second' },
    { rosterID: 101, rank: 0, groupName: 'first' },
  ])
  const romeo = await server.login('romeo', 'a')
  assert.deepEqual(romeo.take(), ['<presence type="subscribe" from="asks@test" to="romeo@test"><status>hi</status></presence>'])
  assert.deepEqual(await items(romeo), [
    '<item jid="both@test" name="B" subscription="both"><group>first</group><group>second</group></item>',
    '<item jid="asked@test" subscription="none" ask="subscribe"/>',
  ])
  await romeo.send("<presence type='subscribed' to='asks@test'/>")
  const [asks] = await database.knex('ofRoster').where('rosterID', 103)
  assert.deepEqual({ sub: asks.sub, ask: asks.ask, recv: asks.recv, stanza: asks.stanza }, { sub: 2, ask: -1, recv: -1, stanza: null })
  assert.equal((await database.knex('ofRoster').where('rosterID', 104)).length, 1)
})
