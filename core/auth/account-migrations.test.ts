/** Installations of ours, and of Openfire that an earlier release of ours has served, as they come forward. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Knex } from 'knex'
import { scramSha1 } from '../../test/support/openfire-database.js'
import { onBothGenerations, onMariaDbOpenfire } from '../../test/support/openfire-store.js'
import { accountTables } from './account-tables.js'
import { memoryDatabase } from './memory-database.js'

const [first] = accountTables

/** As the first release made it, whatever the schema. */
async function createFirstScramTable(knex: Knex): Promise<void> {
  await knex.schema.createTable('ofUserScram', (table) => {
    table.string('username', 64).notNullable()
    table.string('mechanism', 32).notNullable()
    for (const name of ['storedKey', 'serverKey', 'salt']) table.string(name, 255)
    table.integer('iterations').notNullable()
    table.primary(['username', 'mechanism'])
  })
}

onBothGenerations((newOpenfire, version) => {
  const keysOf = (knex: Knex, username: string) =>
    version < 39 ? knex('ofUser').where({ username }).first() : knex('ofUserScram').where({ username, mechanism: 'SCRAM-SHA-1' }).first()

  test('what the first release put beside the tables goes where Openfire looks, unless Openfire has set the password since', async (t) => {
    const store = await newOpenfire(t, { users: 3 })
    const { knex } = store
    const changed = scramSha1('changed here')
    const byOpenfire = await keysOf(knex, 'user2')
    if (version < 39) await createFirstScramTable(knex)
    await knex('ofUserScram').whereIn('username', ['user0', 'user2']).del()
    await knex('ofUser').where({ username: 'user0' }).update({ encryptedPassword: null })
    const keys = version < 39 ? { user0: changed, user2: changed } : { user0: changed, user2: scramSha1('by openfire') }
    for (const [username, it] of Object.entries(keys)) {
      await knex('ofUserScram').insert(['SCRAM-SHA-1', 'SCRAM-SHA-256'].map((mechanism) => ({ username, mechanism, ...it })))
    }
    await knex('ofVersion').insert({ name: 'beaconfire', version: 1 })
    const database = await store.open()
    await database.migrate('beaconfire', [...accountTables])
    const now = await keysOf(knex, 'user0')
    assert.deepEqual([now.storedKey, now.salt, now.iterations], [changed.storedKey, changed.salt, changed.iterations])
    assert.equal((await keysOf(knex, 'user2')).storedKey, version < 39 ? byOpenfire.storedKey : keys.user2.storedKey)
    assert.equal(await knex.schema.hasTable('ofUserScram'), version >= 39)
    if (version >= 39) assert.deepEqual(await knex('ofUserScram').where({ mechanism: 'SCRAM-SHA-256' }), [])
    assert.equal(await knex.schema.hasTable('ofUserScramExtra'), true)
    assert.equal((await knex('ofVersion').where({ name: 'beaconfire' }).first()).version, 2)
  })

  test('a step that broke off before its last table is run again', async (t) => {
    const { knex, open } = await newOpenfire(t, { users: 1 })
    await knex('ofVersion').insert({ name: 'beaconfire', version: 1 })
    const before = await keysOf(knex, 'user0')
    await (await open()).migrate('beaconfire', [...accountTables])
    assert.deepEqual(await keysOf(knex, 'user0'), before)
    assert.equal(await knex.schema.hasTable('ofUserScramExtra'), true)
  })

  if (version < 39) return
  test('keys that Openfire has in its own table, of whatever mechanism, stay where the first release never was', async (t) => {
    const { knex, open } = await newOpenfire(t, { users: 1 })
    await knex('ofUserScram').insert({ username: 'user0', mechanism: 'SCRAM-SHA-256', ...scramSha1('later') })
    const before = await knex('ofUserScram')
    await (await open()).migrate('beaconfire', [...accountTables])
    assert.deepEqual(await knex('ofUserScram'), before)
  })
})

onMariaDbOpenfire((newOpenfire) => {
  for (const [what, version, spoil] of [
    ['38 with the table of 39', 38, createFirstScramTable],
    [
      '38 with the table of 39, after a start of ours that had no right to make tables',
      38,
      async (knex: Knex) => {
        await createFirstScramTable(knex)
        await accountTables[0]?.up(knex.schema, { client: 'mysql', knex })
        await knex('ofVersion').insert({ name: 'beaconfire', version: 1 })
      },
    ],
    ['38 without all columns of keys', 38, (knex: Knex) => knex.schema.alterTable('ofUser', (table) => void table.dropColumn('iterations'))],
  ] as const) {
    test(`an upgrade of Openfire that broke off is refused, and nothing is changed: schema ${what}`, async (t) => {
      const { knex, open } = await newOpenfire(t, { version, users: 2 })
      await spoil(knex)
      const contents = async () => {
        const [shown] = (await knex.raw('show tables')) as [Record<string, string>[]]
        const names = shown.map((it) => Object.values(it)[0] as string)
        return JSON.stringify([names, (await knex.raw(`checksum table ${names.join(', ')}`))[0]])
      }
      const before = await contents()
      await assert.rejects(open(), (error: Error) => error.name === 'OpenfireUnsupported' && /broken off half-way/.test(error.message))
      assert.equal(await contents(), before)
    })
  }

  test('schema 39 is served with the columns of keys, which nobody reads any more, and without them', async (t) => {
    const { knex, open } = await newOpenfire(t, { version: 39, users: 1 })
    const before = await knex('ofUserScram')
    await (await open()).migrate('beaconfire', [...accountTables])
    await knex.schema.alterTable('ofUser', (table) => void table.dropColumn('salt'))
    await (await open()).migrate('beaconfire', [...accountTables])
    assert.deepEqual(await knex('ofUserScram'), before)
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
