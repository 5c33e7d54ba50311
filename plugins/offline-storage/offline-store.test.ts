import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Database, toDateColumn } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '@beaconfire/plugin-sdk/testing'
import { openDatabase, type ServerDatabase } from '../../core/database/database.js'
import { createLogger } from '../../core/log.js'
import { OfflineStore, tables } from './offline-store.js'

type DatabaseConfig = Parameters<typeof openDatabase>[0]

const log = createLogger({ level: 'silent', format: 'json' })

onBothEngines((newDatabase, client) => {
  describe('kept messages', () => {
    let server: ServerDatabase
    let database: Database
    let store: OfflineStore

    before(async () => {
      server = await openDatabase({ client: 'sqlite', filename: ':memory:', ...(await newDatabase()) } as DatabaseConfig, '.', log, 'fast')
      database = server.forPlugin('offline-storage')
      // As Openfire makes it, with a message it kept.
      await database.knex.schema.createTable('ofOffline', (t) => {
        t.string('username', 64).notNullable()
        t.bigInteger('messageID').notNullable()
        t.specificType('creationDate', 'char(15)').notNullable()
        t.integer('messageSize').notNullable()
        t.text('stanza').notNullable()
        t.primary(['username', 'messageID'])
      })
      await database.knex('ofVersion').insert({ name: 'openfire', version: 40 })
      await insert('juliet', 77, 1_468_802_369_759, '<message from="tybalt@test"/>')
      await server.migrate('offline-storage', tables)
      store = new OfflineStore(database)
      await store.start()
    })
    after(() => server.close())

    const insert = (username: string, messageID: number, at: number, stanza: string) =>
      database.knex('ofOffline').insert({ username, messageID, creationDate: toDateColumn(at), messageSize: stanza.length, stanza })

    test('what Openfire kept comes first, then what came since, letter by letter', async () => {
      const stanza = '<message from="romeo@test"><body>Ünïcode 😀 &amp; more</body></message>'
      for (let i = 0; i < 12; i++) void store.append('juliet', stanza)
      await store.whenIdle()
      const all = await store.read('juliet', 100)
      assert.equal(all.length, 13)
      assert.deepEqual([all[0]?.messageID, all[0]?.createdAt.toISOString()], [77, '2016-07-18T00:39:29.759Z'])
      assert.equal(all[12]?.stanza, stanza)
      assert.deepEqual(await store.read('juliet', 5, all[4]), all.slice(5, 10))
      assert.equal(await store.size('juliet'), 29 + 12 * stanza.length)
    })

    test('Openfire’s column stays as it is, and what it cannot hold is told before', () => {
      assert.equal(store.fits('u'.repeat(65_535)), true)
      assert.equal(store.fits('ü'.repeat(33_000)), client === 'sqlite')
    })

    test('messages are found, counted and removed for one user only', async () => {
      await insert('nurse', 77, 5, 'x')
      assert.deepEqual(
        (await store.find('nurse', [77, 78])).map((it) => it.messageID),
        [77],
      )
      await store.remove('juliet', [77, 78, 1_000_000])
      assert.deepEqual(await store.counts({ user: 'nurse', limit: 10 }), [{ user: 'nurse', messages: 1, size: 1 }])
      const counts = await store.counts({ limit: 10 })
      assert.deepEqual(
        counts.map((it) => [it.user, it.messages]),
        [
          ['juliet', 12],
          ['nurse', 1],
        ],
      )
      assert.equal((await store.counts({ after: 'juliet', limit: 10 })).length, 1)
      assert.equal((await store.total()).messages, 13)
      await store.removeAll('juliet')
      assert.equal(await store.size('juliet'), 0)
      assert.equal(await store.size('nurse'), 1)
    })

    test('old messages of all users are removed, in batches', async () => {
      const rows = Array.from({ length: 700 }, (_, i) => {
        return { username: `user-${i % 3}`, messageID: i, creationDate: toDateColumn(i), messageSize: 1, stanza: 'x' }
      })
      await database.knex.batchInsert('ofOffline', rows, 100)
      const { users, messages } = await store.removeBefore(600)
      assert.equal(messages, 601)
      assert.deepEqual([...users].sort(), ['nurse', 'user-0', 'user-1', 'user-2'])
      assert.equal((await store.total()).messages, 100)
    })
  })

  test('a table that this server made holds every message, also one that an earlier version made', async () => {
    const server = await openDatabase({ client: 'sqlite', filename: ':memory:', ...(await newDatabase()) } as DatabaseConfig, '.', log, 'fast')
    try {
      const database = server.forPlugin('offline-storage')
      await server.migrate('offline-storage', tables.slice(0, 2))
      if (client === 'mysql') await database.knex.raw('alter table ofOffline modify stanza text not null')
      await server.migrate('offline-storage', tables)
      const store = new OfflineStore(database)
      await store.start()
      const stanza = 'ü'.repeat(200_000)
      assert.equal(store.fits(stanza), true)
      await store.append('juliet', stanza)
      assert.equal((await store.read('juliet', 1))[0]?.stanza, stanza)
    } finally {
      await server.close()
    }
  })
})

test('a database of the first schema keeps its messages, and SQLite has those of a user side by side from then on', async (t) => {
  const server = await openDatabase({ client: 'sqlite', filename: ':memory:' } as DatabaseConfig, '.', log, 'fast')
  t.after(() => server.close())
  const { knex } = server.forPlugin('offline-storage')
  await server.migrate('offline-storage', tables.slice(0, 1))
  const rows = [3, 1, 2].map((messageID) => ({ username: 'juliet', messageID, creationDate: toDateColumn(messageID), messageSize: 1, stanza: 'x' }))
  await knex.batchInsert('ofOffline', rows)
  await server.migrate('offline-storage', tables)
  assert.deepEqual(await knex('ofOffline').orderBy('messageID'), [rows[1], rows[2], rows[0]])
  await assert.rejects(async () => knex('ofOffline').select('rowid'), /no such column: rowid/)
  await assert.rejects(async () => knex('ofOffline').insert(rows[0] as object), /UNIQUE/)
})
