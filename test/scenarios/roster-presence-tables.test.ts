/** The tables of roster and presence on both engines, and over tables that are there already. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Jid, type Logger } from '@beaconfire/plugin-sdk'
import { startMariaDb } from '@beaconfire/plugin-sdk/testing'
import type { DatabaseConfig } from '../../core/config/server-config.js'
import { openDatabase, type ServerDatabase } from '../../core/database/database.js'
import * as presence from '../../plugins/presence/presence-store.js'
import { newEntry, type RosterEntry } from '../../plugins/roster/roster-entry.js'
import * as roster from '../../plugins/roster/roster-store.js'

const none = () => {}
const log: Logger = { debug: none, info: none, warn: none, error: none, child: () => log }

async function openSqlite(t: TestContext): Promise<ServerDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-tables-'))
  const config = { client: 'sqlite', filename: join(folder, 'test.db') } as DatabaseConfig
  const database = await openDatabase(config, folder, log)
  t.after(async () => {
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })
  return database
}

async function openMariaDb(t: TestContext): Promise<ServerDatabase | undefined> {
  const server = await startMariaDb(t)
  if (!server) return undefined
  const config = { client: 'mysql', connection: server.connection } as DatabaseConfig
  const database = await openDatabase(config, tmpdir(), log)
  t.after(() => database.close())
  return database
}

const juliet = Jid.parse('juliet@test')
const whole: RosterEntry = {
  ...newEntry(juliet),
  name: 'Jülïet 💘',
  groups: ['Zwei', 'Eins'],
  subscription: 'to',
  pendingIn: true,
  approved: true,
  listed: true,
  request: '<presence type="subscribe" from="juliet@test" to="romeo@test"><status>💘</status></presence>',
}

for (const [engine, open] of [
  ['SQLite', openSqlite],
  ['MariaDB', openMariaDb],
] as const) {
  test(`on ${engine}: a roster item and last presence are read as they were written, changed and removed`, async (t) => {
    const server = await open(t)
    if (!server) return
    for (let round = 0; round < 2; round++) await server.migrate('roster', roster.tables)
    await server.migrate('presence', presence.tables)
    const database = server.forPlugin('roster')
    const store = new roster.RosterStore(database, log)

    const saved = await store.save('romeo', whole, undefined)
    assert.deepEqual(await store.load('romeo'), [saved])
    const { id: _, ...content } = saved
    assert.deepEqual({ ...content, id: undefined }, whole)

    const changed = await store.save(
      'romeo',
      { ...saved, groups: ['Drei'], approved: false, pendingIn: false, request: undefined, name: undefined },
      saved,
    )
    assert.deepEqual(await store.load('romeo'), [changed])
    assert.deepEqual(await database.knex('ofRosterExtra'), [])

    const request = { ...newEntry(Jid.parse('tybalt@test')), pendingIn: true, request: `<presence><status>${'x'.repeat(70_000)}</status></presence>` }
    await store.save('romeo', request, undefined)
    const listed = await store.save('romeo', { ...newEntry(Jid.parse('nurse@test')), pendingIn: true, listed: true }, undefined)
    const loaded = await store.load('romeo')
    assert.deepEqual(
      loaded.map((entry) => [entry.jid.local, entry.listed, entry.request]),
      [
        ['juliet', true, undefined],
        ['tybalt', false, undefined],
        ['nurse', true, undefined],
      ],
    )
    await store.remove(listed)
    assert.equal((await store.load('romeo')).length, 2)
    await store.removeAll('romeo')
    for (const table of ['ofRoster', 'ofRosterGroups', 'ofRosterExtra']) assert.deepEqual(await database.knex(table), [])

    const last = new presence.PresenceStore(server.forPlugin('presence'), log)
    const at = new Date(1_700_000_000_000)
    last.save('romeo', { stanza: '<presence type="unavailable"><status>💘</status></presence>', at: new Date(0) })
    last.save('juliet', { stanza: undefined, at })
    await last.whenIdle()
    last.save('romeo', { stanza: '<presence/>', at })
    assert.deepEqual(Object.fromEntries(await last.find(['romeo', 'juliet', 'nobody'])), {
      romeo: { stanza: '<presence/>', at },
      juliet: { stanza: undefined, at },
    })
    await last.remove('romeo')
    assert.equal((await last.find(['romeo'])).size, 0)
  })
}

test("tables of Openfire's that are there are left as they are", async (t) => {
  const server = await openSqlite(t)
  const { knex } = server.forPlugin('roster')
  await knex.schema.createTable('ofRoster', (table) => void table.bigInteger('rosterID').primary())
  await knex('ofRoster').insert({ rosterID: 7 })
  await server.migrate('roster', roster.tables)
  assert.deepEqual(await knex('ofRoster'), [{ rosterID: 7 }])
  assert.equal(await knex.schema.hasTable('ofRosterGroups'), true)
})
