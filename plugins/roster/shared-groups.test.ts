import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { StanzaError } from '@beaconfire/plugin-sdk'
import { memoryDatabase } from '../../core/auth/memory-database.js'
import { FakeServer, type FakeSession } from './fake-server.fixture.js'
import roster from './index.js'

const GET = "<query xmlns='jabber:iq:roster'/>"
const refused = (condition: string) => (error: unknown) => error instanceof StanzaError && error.condition === condition

interface Group {
  readonly members: readonly string[]
  readonly shown?: string
  readonly displayName?: string
  readonly groupList?: string
}

async function open(t: TestContext, groups: Readonly<Record<string, Group>>) {
  const database = await memoryDatabase(roster.tables ?? [])
  t.after(() => database.close())
  const { knex } = database
  await knex.schema.createTable('ofUser', (table) => void [table.string('username'), table.string('name')])
  await knex('ofUser').insert(
    ['romeo', 'juliet', 'nurse', 'mercutio', 'paris'].map((username) => ({ username, name: username === 'nurse' ? 'The Nurse' : null })),
  )
  const write = async (all: Readonly<Record<string, Group>>) => {
    for (const table of ['ofGroup', 'ofGroupProp', 'ofGroupUser']) await knex(table).del()
    for (const [groupName, { members, shown, displayName, groupList }] of Object.entries(all)) {
      await knex('ofGroup').insert({ groupName })
      const properties = { 'sharedRoster.showInRoster': shown, 'sharedRoster.displayName': displayName, 'sharedRoster.groupList': groupList }
      for (const [name, propValue] of Object.entries(properties))
        if (propValue !== undefined) await knex('ofGroupProp').insert({ groupName, name, propValue })
      for (const username of members) await knex('ofGroupUser').insert({ groupName, username, administrator: 0 })
    }
  }
  await write(groups)
  const server = new FakeServer(database)
  const contributions = await server.load(roster)
  const reload = contributions.adminRoutes?.find((it) => it.path === '/shared-groups/reload')?.handle as unknown as (
    request: object,
  ) => Promise<{ changedRosters: number }>
  return { server, knex, write, reload: () => reload({}) }
}

const items = async (session: FakeSession) => (await session.request('get', GET))?.children.map(String).sort()
const both = (name: string, group: string, nick = '') => `<item jid="${name}@test"${nick} subscription="both"><group>${group}</group></item>`

describe('shared groups', () => {
  test('members of a group see one another, and nobody else sees them', async (t) => {
    const { server } = await open(t, { sales: { members: ['romeo', 'juliet', 'nurse'], shown: 'onlyGroup', displayName: 'Sales' } })
    const [romeo, paris] = [await server.login('romeo', 'a'), await server.login('paris', 'a')]
    assert.deepEqual(await items(romeo), [both('juliet', 'Sales'), both('nurse', 'Sales', ' name="The Nurse"')])
    assert.deepEqual(await items(paris), [])
  })

  test('a group for everybody is in all rosters; its members do not see those who see them', async (t) => {
    const { server } = await open(t, { help: { members: ['nurse'], shown: 'everybody', displayName: 'Help' } })
    const [romeo, nurse] = [await server.login('romeo', 'a'), await server.login('nurse', 'a')]
    assert.deepEqual(await items(romeo), ['<item jid="nurse@test" name="The Nurse" subscription="to"><group>Help</group></item>'])
    assert.deepEqual(await items(nurse), [])
    const service = server.services.roster as { item(user: unknown, contact: unknown): { subscription: string } }
    assert.equal(service.item(nurse.jid.bare(), romeo.jid.bare()).subscription, 'from') // so presence goes there
  })

  test('members of the groups in its list see a group, too', async (t) => {
    const { server } = await open(t, {
      sales: { members: ['romeo'], shown: 'onlyGroup', displayName: 'Sales', groupList: 'bosses, nowhere' },
      bosses: { members: ['paris'] },
    })
    assert.deepEqual(await items(await server.login('paris', 'a')), ['<item jid="romeo@test" subscription="to"><group>Sales</group></item>'])
    assert.deepEqual(await items(await server.login('romeo', 'a')), [])
    assert.deepEqual(await items(await server.login('nurse', 'a')), [])
  })

  test('what the user has put into the roster stays beside it, and only that is stored', async (t) => {
    const { server, knex, write, reload } = await open(t, { sales: { members: ['romeo', 'juliet'], shown: 'onlyGroup', displayName: 'Sales' } })
    const romeo = await server.login('romeo', 'a')
    await items(romeo)
    romeo.take()
    await romeo.request(
      'set',
      `<query xmlns='jabber:iq:roster'><item jid='juliet@test' name='J'><group>Sales</group><group>Mine</group></item></query>`,
    )
    const shown = '<item jid="juliet@test" name="J" subscription="both"><group>Mine</group><group>Sales</group></item>'
    assert.deepEqual(await items(romeo), [shown])
    assert.ok(romeo.take().some((it) => it.includes(shown)))
    const [row] = await knex('ofRoster')
    assert.deepEqual([row.sub, row.nick, (await knex('ofRosterGroups')).map((it) => it.groupName)], [0, 'J', ['Mine']])
    await write({})
    await reload()
    assert.deepEqual(await items(romeo), ['<item jid="juliet@test" name="J" subscription="none"><group>Mine</group></item>'])
  })

  test('a shared contact cannot be removed or unsubscribed, nor its group be given to others', async (t) => {
    const { server, knex } = await open(t, { sales: { members: ['romeo', 'juliet'], shown: 'onlyGroup', displayName: 'Sales' } })
    const [romeo, juliet] = [await server.login('romeo', 'a'), await server.login('juliet', 'a')]
    const before = await items(romeo)
    const set = (content: string) => romeo.request('set', `<query xmlns='jabber:iq:roster'>${content}</query>`)
    await assert.rejects(set("<item jid='juliet@test' subscription='remove'/>"), refused('not-acceptable'))
    await assert.rejects(set("<item jid='paris@test'><group>Sales</group></item>"), refused('not-acceptable'))
    for (const type of ['unsubscribe', 'unsubscribed']) await romeo.send(`<presence type='${type}' to='juliet@test'/>`)
    assert.deepEqual(await items(romeo), before)
    assert.deepEqual(await items(juliet), [both('romeo', 'Sales')])
    assert.deepEqual(await knex('ofRoster'), [])
  })

  test('a change of the groups is pushed to who is there, with the presence that goes with it', async (t) => {
    const { server, write, reload } = await open(t, { sales: { members: ['romeo', 'juliet'], shown: 'onlyGroup', displayName: 'Sales' } })
    const romeo = await server.login('romeo', 'a')
    await items(romeo)
    romeo.take()
    const service = server.services.roster as { onSubscriptionChange(listener: (change: object) => void): void }
    const told: string[] = []
    service.onSubscriptionChange(
      (change) =>
        void told.push(
          JSON.stringify(change, (_key, value) => (value?.toString && typeof value === 'object' && 'local' in value ? String(value) : value)),
        ),
    )
    await write({ sales: { members: ['romeo', 'nurse'], shown: 'onlyGroup', displayName: 'Sales' } })
    assert.deepEqual(await reload(), { changedRosters: 1 })
    const pushes = romeo.take()
    assert.equal(pushes.length, 2)
    assert.ok(pushes.some((it) => it.includes(both('nurse', 'Sales', ' name="The Nurse"'))))
    assert.ok(pushes.some((it) => it.includes('jid="juliet@test" subscription="remove"')))
    assert.equal(told.length, 2)
    assert.deepEqual(await reload(), { changedRosters: 0 })
  })

  test('members that are no addresses, the user itself, and groups nobody is in do no harm', async (t) => {
    const { server } = await open(t, {
      odd: { members: ['romeo', 'not an address', 'friend@elsewhere'], shown: 'onlyGroup', displayName: 'Odd' },
      empty: { members: [], shown: 'everybody' },
      hidden: { members: ['romeo', 'paris'], shown: 'nobody' },
    })
    const romeo = await server.login('romeo', 'a')
    assert.deepEqual(await items(romeo), ['<item jid="friend@elsewhere" subscription="both"><group>Odd</group></item>'])
    assert.equal(server.logged.length, 1)
  })

  test('shared contacts count against no limit of the roster, and a removed account leaves its groups', async (t) => {
    const { server, knex } = await open(t, { all: { members: ['romeo', 'juliet', 'nurse'], shown: 'everybody', displayName: 'All' } })
    const again = new FakeServer(server.database)
    await again.load(roster, { maxItems: 1, maxPendingRequests: 1 })
    const romeo = await again.login('romeo', 'a')
    await romeo.request('set', "<query xmlns='jabber:iq:roster'><item jid='a@elsewhere'/></query>")
    await assert.rejects(romeo.request('set', "<query xmlns='jabber:iq:roster'><item jid='b@elsewhere'/></query>"), refused('resource-constraint'))
    await again.tell('userDeleted', { user: romeo.jid.bare() })
    assert.deepEqual(await knex('ofGroupUser').pluck('username'), ['juliet', 'nurse'])
    assert.deepEqual(again.remote, [])
  })

  test('a contact that is there twice is shown once, with the better subscription, and both rows stay until it is removed', async (t) => {
    const { server, knex } = await open(t, {})
    const row = { username: 'romeo', jid: 'juliet@test', ask: -1, recv: -1, nick: null, stanza: null }
    await knex('ofRoster').insert([
      { ...row, rosterID: 1, sub: 1, nick: 'old' },
      { ...row, rosterID: 2, sub: 3, nick: 'new' },
      { ...row, rosterID: 3, sub: -1, jid: 'gone@test' },
      { ...row, rosterID: 4, sub: 3, jid: '@@' },
    ])
    const romeo = await server.login('romeo', 'a')
    assert.deepEqual(await items(romeo), ['<item jid="juliet@test" name="new" subscription="both"/>'])
    assert.equal(server.logged.length, 2)
    assert.equal((await knex('ofRoster')).length, 4)
    await romeo.request('set', "<query xmlns='jabber:iq:roster'><item jid='juliet@test' subscription='remove'/></query>")
    assert.deepEqual(await knex('ofRoster').pluck('rosterID'), [3, 4])
  })

  test('a table of an Openfire that kept no stanza of requests is used as it is', async (t) => {
    const { server, knex } = await open(t, {})
    await knex.schema.alterTable('ofRoster', (table) => void table.dropColumn('stanza'))
    const older = new FakeServer(server.database)
    await older.load(roster)
    const romeo = await older.login('romeo', 'a')
    await older.route((await import('@beaconfire/plugin-sdk')).parseStanza("<presence type='subscribe' from='a@elsewhere' to='romeo@test'/>"))
    assert.equal((await knex('ofRoster')).length, 1)
    const again = await older.login('romeo', 'b')
    assert.ok(again.take().some((it) => it.includes('type="subscribe"')))
    assert.ok(romeo.isOpen)
  })
})
