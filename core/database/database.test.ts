import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Migration } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import { createLogger } from '../log.js'

const table: Migration = {
  version: 1,
  up: (schema) =>
    schema.createTable('line', (table) => {
      table.bigInteger('id').primary()
      table.text('body').notNullable()
      table.binary('bytes')
    }),
}

onBothEngines((newStore) => {
  async function openWithTable(t: Parameters<typeof newStore>[0]) {
    const server = await (await newStore(t)).open()
    await server.migrate('lines', [table])
    const database = server.forPlugin('lines')
    return { server, database, lines: database.appender<{ id: number; body: string; bytes: Uint8Array | null }>('line', ['id', 'body', 'bytes']) }
  }

  test('a row whose promise has resolved is there for every query', async (t) => {
    const { database, lines } = await openWithTable(t)
    await Promise.all([
      lines.append({ id: 1, body: 'fire 🔥 & <é>', bytes: new Uint8Array([0, 255]) }),
      lines.append({ id: 2, body: '', bytes: null }),
    ])
    assert.deepEqual(await database.knex('line').orderBy('id'), [
      { id: 1, body: 'fire 🔥 & <é>', bytes: Buffer.from([0, 255]) },
      { id: 2, body: '', bytes: null },
    ])
    assert.equal(lines.pending, 0)
  })

  test('of many rows with bad ones among them the good ones are stored, once, and the bad ones told', async (t) => {
    const { database, lines } = await openWithTable(t)
    const others = database.appender<{ id: number; text: string }>('no_such_table', ['id', 'text'])
    const rows = Array.from({ length: 1200 }, (_, at) => lines.append({ id: at % 1000, body: `line ${at}`, bytes: null }))
    const lost = others.append({ id: 1, text: 'x' })
    const outcomes = await Promise.allSettled(rows)
    await assert.rejects(lost, /no_such_table/)
    const refused = outcomes.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []))
    assert.equal(refused.length, 200)
    assert.ok(refused.every((error) => database.isDuplicate(error)))
    assert.deepEqual(await database.knex('line').count({ rows: '*' }), [{ rows: 1000 }])
    assert.equal(lines.pending, 0)
  })

  test('what a failed transaction wrote is gone, and an appender need not wait for a transaction of its own plugin', async (t) => {
    const { database, lines } = await openWithTable(t)
    await assert.rejects(
      database.transaction(async (trx) => {
        await trx('line').insert({ id: 1, body: 'a' })
        void lines.append({ id: 2, body: 'b', bytes: null })
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    await lines.whenIdle()
    assert.deepEqual(await database.knex('line').pluck('id'), [2])
  })

  test('closing stores what is queued', async (t) => {
    const store = await newStore(t)
    const first = await store.open()
    await first.migrate('lines', [table])
    const lines = first.forPlugin('lines').appender('line', ['id', 'body'])
    const stored = Array.from({ length: 500 }, (_, id) => lines.append({ id, body: 'x' }))
    await first.close()
    await Promise.all(stored)
    const second = await store.open()
    assert.deepEqual(await second.forPlugin('lines').knex('line').count({ rows: '*' }), [{ rows: 500 }])
  })

  test('duplicates are told from other errors', async (t) => {
    const { database } = await openWithTable(t)
    await database.knex('line').insert({ id: 1, body: 'a' })
    const duplicate: unknown = await database
      .knex('line')
      .insert({ id: 1, body: 'b' })
      .catch((error: unknown) => error)
    const missing: unknown = await database
      .knex('line')
      .insert({ id: 2, body: null })
      .catch((error: unknown) => error)
    assert.equal(database.isDuplicate(duplicate), true)
    assert.equal(database.isDuplicate(missing), false)
    assert.equal(database.isDuplicate(undefined), false)
  })

  test('the log of a statement that failed says which, and nothing that was to be written', async (t) => {
    const { database, lines } = await openWithTable(t)
    const insert = () => database.knex('line').insert({ id: 1, body: 'a key or a password' })
    await insert()
    const failed = await Promise.all([
      insert().catch((error: unknown) => error),
      lines.append({ id: 1, body: 'a key or a password', bytes: null }).catch((error: unknown) => error),
    ])
    const written: string[] = []
    const log = createLogger({ level: 'info', format: 'json' }, { write: (line) => void written.push(line) })
    for (const error of failed) {
      assert.equal(database.isDuplicate(error), true)
      log.error({ error }, 'it failed')
    }
    assert.match(written[0] ?? '', /insert into `line`/)
    assert.doesNotMatch(written.join(''), /password/)
  })

  test('two servers never take the same id, and count on where Openfire left off', async (t) => {
    const store = await newStore(t)
    const servers = [await store.open(), await store.open()]
    const databases = servers.map((server) => server.forPlugin('lines'))
    await databases[0]?.knex('ofID').insert({ idType: 27, id: 3001 })
    const openfire = await Promise.all(databases.flatMap((database) => Array.from({ length: 60 }, async () => database.nextId(27))))
    assert.equal(new Set(openfire).size, 120)
    assert.equal(Math.min(...openfire), 3001)
    assert.deepEqual(await databases[0]?.knex('ofID').where({ idType: 27 }).pluck('id'), [13001])
  })

  test('ids of our own begin at 1 and are at hand without waiting', async (t) => {
    const database = (await (await newStore(t)).open()).forPlugin('lines')
    assert.equal(await database.nextId(1000), 1)
    for (let expected = 2; expected <= 500; expected++) assert.equal(database.nextId(1000), expected)
    assert.equal(await database.nextId(1000), 501)
    assert.equal(await database.nextId(17), 1)
    assert.equal(await database.nextId(17), 2)
  })

  test('ping answers while the database is open, and not after', async (t) => {
    const server = await (await newStore(t)).open()
    await server.ping()
    await server.close()
    await assert.rejects(server.ping())
  })
})
