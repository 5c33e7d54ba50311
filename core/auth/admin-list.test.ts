import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, type Logger } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import { accountTables } from './account-tables.js'
import { AdminList } from './admin-list.js'

const none = () => {}
const log: Logger = { debug: none, info: none, warn: none, error: none, child: () => log }
const jids = (...texts: string[]) => texts.map((text) => Jid.parse(text))

onBothEngines((newStore) => {
  test('administrators are those configured and those added, which are kept where Openfire keeps them', async (t) => {
    const server = await (await newStore(t)).open()
    await server.migrate('beaconfire', accountTables)
    const database = server.forPlugin('beaconfire')
    const open = async (...configured: string[]) => {
      const list = new AdminList(database, jids(...configured), log)
      await list.load()
      return list
    }
    const first = await open('bard@test')
    assert.deepEqual(first.list().map(String), ['bard@test'])
    await first.replace(jids('nurse@test/x', 'bard@test', 'Paris@test'))
    await first.replace(jids('nurse@test/x', 'bard@test', 'paris@test'))
    const [{ propValue }] = await database.knex('ofProperty').where({ name: 'admin.authorizedJIDs' })
    assert.equal(propValue, 'nurse@test,paris@test')

    const second = await open('bard@test')
    assert.deepEqual(second.list().map(String), ['bard@test', 'nurse@test', 'paris@test'])
    assert.deepEqual([second.has(Jid.parse('nurse@test/any')), second.has(Jid.parse('romeo@test'))], [true, false])
    await second.forget(Jid.parse('nurse@test'))
    await second.forget(Jid.parse('bard@test'))
    assert.deepEqual((await open()).list().map(String), ['paris@test'])
    await second.replace([])
    assert.deepEqual(await database.knex('ofProperty').where({ name: 'admin.authorizedJIDs' }), [])
    await database.knex('ofProperty').insert({ name: 'admin.authorizedJIDs', propValue: ' a@test, @@ ,,a@test' })
    assert.deepEqual((await open()).list().map(String), ['a@test'])
  })
})
