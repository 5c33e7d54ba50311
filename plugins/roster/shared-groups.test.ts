/** Openfire's shared groups, over sockets: who sees whom because the operator says so. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Database, Jid } from '@beaconfire/plugin-sdk'
import { errorCondition, recordingLogger, serviceUser, startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { interested, itemsOf, says, setItem, told } from '../../test/conformance/support/contacts.js'
import presence from '../presence/index.js'
import roster from './index.js'

interface Group {
  readonly members: readonly string[]
  readonly shown?: string
  readonly displayName?: string
  readonly groupList?: string
}

type Groups = Readonly<Record<string, Group>>

const SALES: Groups = { sales: { members: ['romeo', 'juliet'], shown: 'onlyGroup', displayName: 'Sales' } }

async function write(knex: Database['knex'], groups: Groups): Promise<void> {
  for (const table of ['ofGroup', 'ofGroupProp', 'ofGroupUser']) await knex(table).del()
  for (const [groupName, { members, shown, displayName, groupList }] of Object.entries(groups)) {
    await knex('ofGroup').insert({ groupName })
    const properties = { 'sharedRoster.showInRoster': shown, 'sharedRoster.displayName': displayName, 'sharedRoster.groupList': groupList }
    for (const [name, propValue] of Object.entries(properties))
      if (propValue !== undefined) await knex('ofGroupProp').insert({ groupName, name, propValue })
    for (const username of members) await knex('ofGroupUser').insert({ groupName, username, administrator: 0 })
  }
}

/** A server with these groups and five accounts, of whom only the nurse has a full name. */
async function open(t: TestScope, groups: Groups, settings: object = {}) {
  const { log, entries } = recordingLogger()
  const user = serviceUser('roster')
  const config = { plugins: { settings: { roster: settings } } } as const
  const server = await startTestServer(t, { plugins: [roster, presence, user.plugin], database: 'memory', log, config })
  for (const username of ['romeo', 'juliet', 'nurse', 'mercutio', 'paris'])
    await server.accounts.create({ username, password: username, ...(username === 'nurse' && { name: 'The Nurse' }) })
  const { knex } = server.database.forPlugin('test')
  const regroup = async (changed: Groups) => {
    await write(knex, changed)
    return (await server.admin('/api/v1/plugins/roster/shared-groups/reload', { method: 'POST' })).json()
  }
  await regroup(groups)
  const items = async (name: string) => (await itemsOf(await server.login(name))).sort()
  return { server, knex, regroup, items, user, warnings: () => entries.filter((it) => it.level === 'warn') }
}

describe('shared groups', () => {
  test('members of a group see one another and their presence, and nobody else sees them', async (t) => {
    const { server, items } = await open(t, { sales: { ...SALES.sales, members: ['romeo', 'juliet', 'nurse'] } as Group })
    const juliet = await server.login('juliet', { resource: 'a' })
    const romeo = await server.login('romeo')
    assert.deepEqual((await itemsOf(romeo)).sort(), ['juliet@test Sales both', 'nurse@test The Nurse Sales both'])
    assert.deepEqual([await told(juliet), await told(romeo)], [[`available ${romeo.jid}`], ['available juliet@test/a']])
    assert.deepEqual(await items('paris'), [])
  })

  test('a group for everybody is in all rosters; its members do not see those who see them', async (t) => {
    const { items, user } = await open(t, { help: { members: ['nurse'], shown: 'everybody', displayName: 'Help' } })
    assert.deepEqual(await items('romeo'), ['nurse@test The Nurse Help to'])
    assert.deepEqual(await items('nurse'), [])
    const item = await user.services.roster.item(Jid.parse('nurse@test'), Jid.parse('romeo@test'))
    assert.equal(item?.subscription, 'from') // so presence goes there
  })

  test('an account that is made later sees a group for everybody as well, and the presence of its members', async (t) => {
    const { server } = await open(t, { help: { members: ['nurse'], shown: 'everybody', displayName: 'Help' } })
    const nurse = await server.login('nurse')
    const tybalt = await server.login('tybalt')
    assert.deepEqual(await itemsOf(tybalt), ['nurse@test The Nurse Help to'])
    await says(nurse, '<presence><status>Here</status></presence>')
    assert.deepEqual(await told(tybalt), [`available ${nurse.jid}`, `available ${nurse.jid} Here`])
  })

  test('members of the groups in its list see a group, too', async (t) => {
    const { items } = await open(t, {
      sales: { members: ['romeo'], shown: 'onlyGroup', displayName: 'Sales', groupList: 'bosses, nowhere' },
      bosses: { members: ['paris'] },
    })
    assert.deepEqual(await items('paris'), ['romeo@test Sales to'])
    assert.deepEqual([await items('romeo'), await items('nurse')], [[], []])
  })

  test('what the user has put into the roster stays beside it, and only that is stored', async (t) => {
    const { server, knex, regroup } = await open(t, SALES)
    const romeo = await interested(await server.login('romeo'))
    await setItem(romeo, "<item jid='juliet@test' name='J'><group>Sales</group><group>Mine</group></item>")
    assert.deepEqual(await told(romeo), ['push juliet@test J Mine Sales both'])
    assert.deepEqual(await itemsOf(romeo), ['juliet@test J Mine Sales both'])
    const [row] = await knex('ofRoster')
    assert.deepEqual([row.sub, row.nick, await knex('ofRosterGroups').pluck('groupName')], [0, 'J', ['Mine']])
    await regroup({})
    assert.deepEqual(await itemsOf(romeo), ['juliet@test J Mine none'])
  })

  test('a shared contact cannot be removed or unsubscribed, nor its group be given to others', async (t) => {
    const { server, knex } = await open(t, SALES)
    const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
    const before = await itemsOf(romeo)
    for (const item of ["<item jid='juliet@test' subscription='remove'/>", "<item jid='paris@test'><group>Sales</group></item>"])
      assert.equal(errorCondition(await setItem(romeo, item)), 'not-acceptable')
    for (const type of ['unsubscribe', 'unsubscribed']) await says(romeo, `<presence type='${type}' to='juliet@test'/>`)
    assert.deepEqual([await itemsOf(romeo), await itemsOf(juliet)], [before, ['romeo@test Sales both']])
    assert.deepEqual(await knex('ofRoster'), [])
  })

  test('a change of the groups is pushed to who is there, with the presence that goes with it', async (t) => {
    const { server, regroup } = await open(t, SALES)
    const romeo = await interested(await server.login('romeo'))
    const [juliet, nurse] = [await server.login('juliet'), await server.login('nurse')]
    for (const client of [romeo, juliet, nurse]) await told(client)
    const changed: Groups = { sales: { ...SALES.sales, members: ['romeo', 'nurse'] } as Group }
    assert.deepEqual(await regroup(changed), { changedRosters: 3 })
    assert.deepEqual((await told(romeo)).sort(), [
      `available ${nurse.jid}`,
      'push juliet@test remove',
      'push nurse@test The Nurse Sales both',
      `unavailable ${juliet.jid}`,
    ])
    assert.deepEqual([await told(juliet), await told(nurse)], [[`unavailable ${romeo.jid}`], [`available ${romeo.jid}`]])
    assert.deepEqual(await regroup(changed), { changedRosters: 0 })
  })

  test('members that are no addresses, the user itself, and groups nobody is in do no harm', async (t) => {
    const { items, warnings } = await open(t, {
      odd: { members: ['romeo', 'not an address', 'friend@elsewhere'], shown: 'onlyGroup', displayName: 'Odd' },
      empty: { members: [], shown: 'everybody' },
      hidden: { members: ['romeo', 'paris'], shown: 'nobody' },
    })
    assert.deepEqual(await items('romeo'), ['friend@elsewhere Odd both'])
    assert.deepEqual(warnings().filter((it) => it.fields.plugin === 'roster').length, 1)
  })

  test('shared contacts count against no limit of the roster, and a removed account leaves its groups', async (t) => {
    const all: Groups = { all: { members: ['romeo', 'juliet', 'nurse'], shown: 'everybody', displayName: 'All' } }
    const { server, knex } = await open(t, all, { maxItems: 1, maxPendingRequests: 1 })
    const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
    await told(juliet)
    assert.equal((await setItem(romeo, "<item jid='a@elsewhere'/>")).attrs.type, 'result')
    assert.equal(errorCondition(await setItem(romeo, "<item jid='b@elsewhere'/>")), 'resource-constraint')
    await server.accounts.remove('romeo')
    await romeo.closed
    assert.deepEqual(await knex('ofGroupUser').pluck('username'), ['juliet', 'nurse'])
    assert.deepEqual(await told(juliet), [`unavailable ${romeo.jid}`], 'and no subscription is ended, for none was made')
  })
})
