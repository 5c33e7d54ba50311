import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Migration } from '@beaconfire/plugin-sdk'
import { onMariaDb } from '../../test/support/engines.js'
import { loadConfig } from '../config/load-config.js'
import { silentLogger } from '../log.js'
import { openDatabase } from './database.js'

const table: Migration = {
  version: 1,
  up: (schema) =>
    schema.createTable('line', (table) => {
      table.bigInteger('id').primary()
      table.text('body', 'longtext')
    }),
}

onMariaDb((newStore, server) => {
  test('after the server was away, appends and queries go on by themselves', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('lines', [table])
    const lines = database.forPlugin('lines')
    const appender = lines.appender('line', ['id', 'body'])
    await appender.append({ id: 1, body: 'before' })
    await server().restart()
    await appender.append({ id: 2, body: 'after' })
    assert.deepEqual(await lines.knex('line').orderBy('id').pluck('id'), [1, 2])
  })

  test('while the server is away rows are refused, not kept for ever', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('lines', [table])
    const appender = database.forPlugin('lines').appender('line', ['id', 'body'])
    await server().stop()
    const outcomes = await Promise.allSettled([appender.append({ id: 1, body: 'x' }), appender.append({ id: 2, body: 'x' })])
    await server().restart()
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    await appender.append({ id: 1, body: 'x' })
  })

  test('what a column cannot hold is refused, also by a server that would store it mangled', async (t) => {
    const store = await newStore(t)
    const { knex } = (await store.open()).forPlugin('lines')
    const [[{ before }]] = (await knex.raw('select @@global.sql_mode as `before`')) as [[{ before: string }]]
    await knex.raw("set global sql_mode = 'NO_ZERO_DATE'")
    try {
      const database = await store.open()
      const lax = database.forPlugin('lines')
      await lax.knex.raw('create table short (name varchar(3) character set latin1)')
      await assert.rejects(lax.knex('short').insert({ name: 'abcd' }), { code: 'ER_DATA_TOO_LONG' })
      await assert.rejects(lax.knex('short').insert({ name: '密' }), { code: 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD' })
      await assert.rejects(lax.appender('short', ['name']).append({ name: 'abcd' }), { code: 'ER_DATA_TOO_LONG' })
      assert.deepEqual(await lax.knex('short'), [])
      const [[{ now }]] = (await lax.knex.raw('select @@session.sql_mode as now')) as [[{ now: string }]]
      assert.match(now, /NO_ZERO_DATE/)
    } finally {
      await knex.raw('set global sql_mode = ?', [before])
    }
  })

  for (const mode of ['NO_BACKSLASH_ESCAPES', 'NO_ZERO_DATE,NO_BACKSLASH_ESCAPES,ANSI_QUOTES', '']) {
    test(`no value ends before its end, whatever the server takes for escapes: ${mode || 'no mode'}`, async (t) => {
      const store = await newStore(t)
      const { knex } = (await store.open()).forPlugin('lines')
      const [[{ before }]] = (await knex.raw('select @@global.sql_mode as `before`')) as [[{ before: string }]]
      await knex.raw('set global sql_mode = ?', [mode])
      try {
        const database = (await store.open()).forPlugin('lines')
        await database.knex.raw('create table quoted (value text)')
        const values = ["' or 1=1 -- ", String.raw`\' or 1=1 -- `, String.raw`\\`, '"quoted"', 'a\nb']
        const appender = database.appender('quoted', ['value'])
        for (const value of values) {
          await database.knex('quoted').insert({ value })
          await appender.append({ value })
          assert.equal((await database.knex('quoted').where({ value })).length, 2, value)
          assert.equal((await database.read('select value from quoted where value = ?', [value])).length, 2, value)
        }
      } finally {
        await knex.raw('set global sql_mode = ?', [before])
      }
    })
  }

  test('rows of any size go in statements the server takes', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('lines', [table])
    const lines = database.forPlugin('lines')
    await lines.knex.raw('set global max_allowed_packet = 1048576')
    const appender = lines.appender('line', ['id', 'body'])
    await Promise.all(Array.from({ length: 60 }, (_, id) => appender.append({ id, body: '🔥'.repeat(id % 2 ? 10 : 60_000) })))
    const [sizes] = await lines.knex('line').sum({ characters: lines.knex.raw('char_length(body)') })
    assert.equal(Number(sizes?.characters), 30 * 10 + 30 * 60_000)
  })

  test('an account with a password can log in', async (t) => {
    const admin = await (await newStore(t)).open()
    const account = { user: 'someone', password: 'p@ss"w\'ord' }
    await admin.forPlugin('').knex.raw("create user someone@localhost identified by 'p@ss\"w\\'ord'")
    await admin.forPlugin('').knex.raw('grant all on *.* to someone@localhost')
    const connection = { ...server().connection, ...account }
    const { database } = loadConfig({ env: {}, overrides: { database: { client: 'mysql', connection } } })
    const opened = await openDatabase(database, '/nowhere', silentLogger)
    t.after(() => opened.close())
    await opened.ping()
  })

  test('a wrong password is a clear error', async () => {
    const connection = { ...server().connection, user: 'nobody', password: 'wrong' }
    const { database } = loadConfig({ env: {}, overrides: { database: { client: 'mysql', connection } } })
    await assert.rejects(openDatabase(database, '/nowhere', silentLogger), /Access denied for user 'nobody'/)
  })
})
