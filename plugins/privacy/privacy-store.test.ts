import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, type Logger, StanzaError } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import { type AccountLists, NO_LISTS, withBlocks, withDefault, withList, withoutBlocks, withoutList } from './account-lists.js'
import { KnownLists } from './known-lists.js'
import { type PrivacyItem, PrivacyList } from './privacy-list.js'
import { PrivacyStore, tables } from './privacy-store.js'

const none = () => {}
const errors: string[] = []
const log: Logger = { debug: none, info: none, warn: none, error: (_, text) => void errors.push(text), child: () => log }
const jid = Jid.parse('romeo@test')
const item: PrivacyItem = {
  order: 3,
  action: 'deny',
  match: { type: 'group', group: 'Fe💘inde & "co"' },
  parts: new Set(['message', 'presence-out']),
}
const lists = withDefault(withList(withList(NO_LISTS, new PrivacyList('a', [item])), new PrivacyList('A', [{ ...item, order: 1 }])), 'a')
const plain = ({ defaultName, lists }: AccountLists) => ({ defaultName, lists: [...lists.values()].map(({ name, items }) => [name, items]) })

onBothEngines((newStore) => {
  test('lists are read as they were written, with their default, and go with their account', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('privacy', tables)
    const store = new PrivacyStore(server.forPlugin('privacy'), log)
    await store.replace('juliet', NO_LISTS, lists)
    await store.replace('nurse', NO_LISTS, withBlocks(NO_LISTS, [jid], 10))
    const loaded = await store.load('juliet')
    assert.deepEqual(new Set(plain(loaded).lists), new Set(plain(lists).lists))
    assert.equal(loaded.defaultName, 'a')
    assert.deepEqual((await store.accounts()).sort(), ['juliet', 'nurse'])

    const changed = withDefault(withList(withoutList(loaded, 'a'), new PrivacyList('b', [])), 'A')
    await store.replace('juliet', loaded, changed)
    assert.deepEqual(plain(await store.load('juliet')), plain(changed))
    await store.removeAll('juliet')
    assert.deepEqual(await store.load('juliet'), NO_LISTS)
    assert.deepEqual((await store.load('nurse')).lists.get('blocklist')?.blocked(), [jid])
  })

  test("Openfire's own rows are applied; one that cannot be read is left where it is", async (t) => {
    const server = await (await newStore(t)).open()
    const { knex } = server.forPlugin('privacy')
    await knex.schema.createTable('ofPrivacyList', (table) => {
      table.string('username', 64).notNullable()
      table.string('name', 100).notNullable()
      table.tinyint('isDefault').notNullable()
      table.text('list').notNullable()
      table.primary(['username', 'name'])
    })
    const list =
      '<list xmlns="jabber:iq:privacy" name="blocklist"><item type="jid" value="romeo@test" action="deny" order="1"/>' +
      '<item type="jid" value="@" action="deny" order="2"/><item xmlns="" type="group" value="Old" action="deny" order="3"/></list>'
    await knex('ofPrivacyList').insert({ username: 'juliet', name: 'blocklist', isDefault: 1, list })
    await knex('ofPrivacyList').insert({ username: 'juliet', name: 'broken', isDefault: 0, list: '<list' })
    await server.migrate('privacy', tables)
    const store = new PrivacyStore(server.forPlugin('privacy'), log)
    const loaded = await store.load('juliet')
    assert.deepEqual([loaded.defaultName, loaded.lists.get('blocklist')?.blocked()], ['blocklist', [jid]])
    assert.deepEqual(
      loaded.lists.get('blocklist')?.items.map((it) => it.order),
      [1, 3],
    )
    assert.deepEqual(errors.splice(0), ['a stored privacy list cannot be read, and is not applied'])
    await store.replace('juliet', loaded, withoutBlocks(loaded, undefined))
    const rows: { name: string }[] = await knex('ofPrivacyList').select('name').orderBy('name')
    assert.deepEqual(
      rows.map((row) => row.name),
      ['blocklist', 'broken'],
    )
    assert.deepEqual((await store.load('juliet')).lists.get('blocklist')?.blocked(), [])
    errors.length = 0
  })

  test('a list that the column does not hold is refused, and nothing is stored', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('privacy', tables)
    const store = new PrivacyStore(server.forPlugin('privacy'), log)
    const long = new PrivacyList('long', [{ ...item, match: { type: 'group', group: 'ü'.repeat(40_000) } }])
    await assert.rejects(store.replace('juliet', NO_LISTS, withList(lists, long)), StanzaError)
    assert.deepEqual(await store.accounts(), [])
  })

  test('changes of one account wait for one another, and who has no list is known without a query', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('privacy', tables)
    const known = new KnownLists(new PrivacyStore(server.forPlugin('privacy'), log), 100)
    await known.start()
    assert.equal(known.of('juliet'), NO_LISTS)
    const names = ['a', 'b', 'c', 'd']
    await Promise.all(names.map((name) => known.change('juliet', (before) => withList(before, new PrivacyList(name, [item])))))
    assert.deepEqual([...(await known.of('juliet')).lists.keys()], names)
    await assert.rejects(
      known.change('juliet', () => {
        throw new StanzaError('conflict')
      }),
      StanzaError,
    )
    const again = new KnownLists(new PrivacyStore(server.forPlugin('privacy'), log), 100)
    await again.start()
    assert.deepEqual([again.has('juliet'), again.has('romeo')], [true, false])
    const read = await Promise.all([again.of('juliet'), again.change('juliet', (before) => withoutList(before, 'a')), again.of('juliet')])
    assert.equal(read[0].lists.size, 4)
    assert.deepEqual([...(await again.of('juliet')).lists.keys()], ['b', 'c', 'd'])
    await again.remove('juliet')
    assert.deepEqual([again.has('juliet'), again.size], [false, 0])
  })
})
