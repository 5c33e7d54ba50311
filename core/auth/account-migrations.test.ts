/** Installations of ours, and of Openfire that an earlier release of ours has served, as they come forward. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scramSha1 } from '../../test/support/openfire-database.js'
import { onBothGenerations } from '../../test/support/openfire-store.js'
import { accountTables } from './account-tables.js'
import { memoryDatabase } from './memory-database.js'

const [first] = accountTables

onBothGenerations((newOpenfire, version) => {
  test('what the first release put beside the tables goes where Openfire looks, and a step that broke off is run again', async (t) => {
    const store = await newOpenfire(t, { users: 2 })
    const { knex } = store
    const changed = scramSha1('changed here')
    if (version < 39) {
      await knex.schema.createTable('ofUserScram', (table) => {
        table.string('username', 64).notNullable()
        table.string('mechanism', 32).notNullable()
        for (const name of ['storedKey', 'serverKey', 'salt']) table.string(name, 255)
        table.integer('iterations').notNullable()
        table.primary(['username', 'mechanism'])
      })
    }
    await knex('ofUserScram').where({ username: 'user0' }).del()
    await knex('ofUserScram').insert([
      { username: 'user0', mechanism: 'SCRAM-SHA-1', ...changed },
      { username: 'user0', mechanism: 'SCRAM-SHA-256', ...changed },
    ])
    await knex('ofVersion').insert({ name: 'beaconfire', version: 1 })
    // a step that was broken off may have made its table already
    await knex.schema.createTable('ofUserScramExtra', (table) => {
      table.string('username', 64).notNullable()
      table.string('mechanism', 32).notNullable()
      for (const name of ['storedKey', 'serverKey', 'salt', 'basis']) table.string(name, 255)
      table.integer('iterations').notNullable()
      table.primary(['username', 'mechanism'])
    })
    const database = await store.open()
    await database.migrate('beaconfire', [...accountTables])
    const now =
      version < 39 ? await knex('ofUser').where({ username: 'user0' }).first() : await knex('ofUserScram').where({ username: 'user0' }).first()
    assert.deepEqual([now.storedKey, now.salt, now.iterations], [changed.storedKey, changed.salt, changed.iterations])
    assert.equal(await knex.schema.hasTable('ofUserScram'), version >= 39)
    if (version >= 39) assert.deepEqual(await knex('ofUserScram').where({ mechanism: 'SCRAM-SHA-256' }), [])
    assert.equal((await knex('ofVersion').where({ name: 'beaconfire' }).first()).version, 2)
  })
})

test('a database of our own keeps its keys, of both mechanisms, where they are', async (t) => {
  const database = await memoryDatabase([first].flatMap((it) => it ?? []))
  t.after(() => database.close())
  const { knex } = database
  const row = { username: 'alice', mechanism: 'SCRAM-SHA-256', storedKey: 'a', serverKey: 'b', salt: 'c', iterations: 1 }
  await knex('ofUserScram').insert(row)
  for (const step of accountTables.slice(1)) await step.up(knex.schema, { client: 'sqlite', knex })
  assert.deepEqual(await knex('ofUserScram'), [row])
  assert.equal(await knex.schema.hasTable('ofUserScramExtra'), false)
})
