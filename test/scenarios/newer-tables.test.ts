/** After a step back to an earlier release: what a later one has made of a plugin's tables is not touched. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines, recordingLogger, startTestServer, type TestServer } from '@beaconfire/plugin-sdk/testing'

const PLUGINS = ['roster', 'presence', 'chatlog']

/** How the plugin's table is made, what is in it, and the versions of all. */
async function contentsOf(server: TestServer) {
  const { knex, client } = server.database.forPlugin('test')
  const definition: unknown =
    client === 'sqlite' ? await knex('sqlite_master').where('tbl_name', 'ofChatLog').orderBy('name') : await knex.raw('show create table ofChatLog')
  return {
    definition: JSON.stringify(definition),
    rows: await knex<{ content: string }>('ofChatLog').orderBy('messageID'),
    versions: await knex('ofVersion').orderBy('name'),
  }
}

onBothEngines((newDatabase) => {
  test('a plugin whose tables are of a later version is refused and says why; they stay as they are, and the others serve', async (t) => {
    const database = await newDatabase()
    const later = await startTestServer(t, { plugins: PLUGINS, database })
    const romeo = await later.login('romeo')
    romeo.send('<message to="romeo@test" type="chat"><body>logged</body></message>')
    await romeo.receive('message')
    assert.equal((await later.admin('/api/v1/chatlogs')).status, 200) // answered when all of it is on disk
    const { knex } = later.database.forPlugin('test')
    await knex('ofVersion').where({ name: 'chatlog' }).update({ version: 7 })
    await knex.schema.alterTable('ofChatLog', (table) => void table.integer('addedLater'))
    const before = await contentsOf(later)
    assert.deepEqual(
      before.rows.map((it) => it.content),
      ['logged'],
    )
    await later.stop()

    const { log, entries } = recordingLogger()
    const server = await startTestServer(t, { plugins: PLUGINS, database, config: { dataFolder: later.dataFolder }, log })
    const reason = /chatlog.*the tables of chatlog are of version 7, but this version of it knows them up to 1: install a later one/
    const { state, error } = server.plugins.find('chatlog') ?? {}
    assert.deepEqual([state, PLUGINS.map((it) => server.plugins.find(it)?.state)], ['failed', ['running', 'running', 'failed']])
    assert.match(error ?? '', reason)
    assert.ok(entries.some(({ level, fields }) => level === 'error' && reason.test(JSON.stringify(fields))))
    assert.equal((await server.admin('/api/v1/chatlogs')).status, 404)
    const juliet = await server.login('juliet')
    juliet.send('<message to="juliet@test" type="chat"><body>not logged</body></message>')
    await juliet.receive('message')
    assert.deepEqual(await contentsOf(server), before)
  })
})
