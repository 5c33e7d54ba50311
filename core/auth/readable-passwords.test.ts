import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import { AccountStore, accountTables } from './account-store.js'
import { memoryDatabase } from './memory-database.js'

async function store(t: TestContext, keepsReadable = false) {
  const database = await memoryDatabase(accountTables)
  t.after(() => database.close())
  const clock = { now: 0 }
  const accounts = new AccountStore({
    database,
    domain: Jid.parse('example.org'),
    iterations: { 'SCRAM-SHA-1': 16, 'SCRAM-SHA-256': 16 },
    keepsReadable,
    onCreated() {},
    onDeleting() {},
    closeSessions() {},
    now: () => clock.now,
  })
  return { accounts, database, clock }
}

const digest = (streamId: string, password: string) => createHash('sha1').update(streamId).update(password).digest('hex')

test('a digest is right for stream id and password as XEP-0078 section 3 makes it, and for nothing else', async (t) => {
  const { accounts } = await store(t, true)
  await accounts.create({ username: 'bill', password: 'Calli0pe' })
  assert.equal(digest('3EE948B0', 'Calli0pe'), '48fc78be9ec8f86d8ce1c39c320c97c21d62334d')
  assert.equal(await accounts.verifyDigest('Bill', '3EE948B0', '48fc78be9ec8f86d8ce1c39c320c97c21d62334d'), true)
  assert.equal(await accounts.verifyDigest('bill', '3EE948B1', '48fc78be9ec8f86d8ce1c39c320c97c21d62334d'), false)
  for (const [name, tried] of [
    ['bill', ''],
    ['nobody', digest('3EE948B0', '')],
    ['b ll', digest('3EE948B0', '')],
  ] as const) {
    assert.equal(await accounts.verifyDigest(name, '3EE948B0', tried), false)
  }
  await accounts.setDisabled('bill', true)
  assert.equal(await accounts.verifyDigest('bill', '3EE948B0', '48fc78be9ec8f86d8ce1c39c320c97c21d62334d'), false)
})

test('a password kept readable is changed with the password, and SCRAM and PLAIN go on', async (t) => {
  const { accounts, database } = await store(t, true)
  await accounts.create({ username: 'bill', password: 'old' })
  await accounts.setPassword('bill', 'new')
  assert.equal((await database.knex('ofUser').first('plainPassword')).plainPassword, 'new')
  assert.deepEqual(
    [await accounts.verifyDigest('bill', 's', digest('s', 'old')), await accounts.verifyDigest('bill', 's', digest('s', 'new'))],
    [false, true],
  )
  assert.deepEqual([await accounts.verifyPassword('bill', 'old'), await accounts.verifyPassword('bill', 'new')], [false, true])
})

test('a digest is right for no account whose password is kept as keys alone', async (t) => {
  const { accounts } = await store(t)
  await accounts.create({ username: 'bill', password: 'secret' })
  assert.equal(await accounts.verifyDigest('bill', 's', digest('s', 'secret')), false)
  assert.equal(await accounts.verifyDigest('bill', 's', digest('s', '')), false)
})

test('digests are offered where passwords are kept readable, or an imported database has them all', async (t) => {
  assert.equal(await (await store(t, true)).accounts.offersDigest(), true)
  const { accounts, database, clock } = await store(t)
  const offered = () => {
    clock.now += 60_001
    return accounts.offersDigest()
  }
  assert.equal(await offered(), false) // there are no accounts that could
  await accounts.create({ username: 'bill', password: 'secret' })
  await accounts.create({ username: 'ted', password: 'secret' })
  assert.equal(await offered(), false)
  await database.knex('ofUser').where({ username: 'bill' }).update({ plainPassword: 'secret' })
  assert.equal(await offered(), false)
  await database.knex('ofUser').update({ plainPassword: 'secret' })
  assert.equal(await offered(), true)
  await database.knex('ofUser').where({ username: 'ted' }).update({ plainPassword: '' })
  assert.equal(await accounts.offersDigest(), true) // within the minute nobody looks again
  assert.equal(await offered(), false)
})
