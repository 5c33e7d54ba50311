import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { AccountConflict, AccountMissing, type ClientSession, Jid, JidError, PasswordRefused } from '@beaconfire/plugin-sdk'
import { AccountStore, accountTables } from './account-store.js'
import { type MemoryDatabase, memoryDatabase } from './memory-database.js'
import { deriveKeys } from './password-keys.js'

const DOMAIN = Jid.parse('example.org')
const open: MemoryDatabase[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()))
})

async function store({ database, openfireVersion }: { database?: MemoryDatabase; openfireVersion?: number } = {}) {
  const used = database ?? (await memoryDatabase(accountTables))
  if (!database) open.push(used)
  const facts: string[] = []
  const clock = { now: 0 }
  const accounts = new AccountStore({
    database: used,
    domain: DOMAIN,
    openfireVersion,
    iterations: { 'SCRAM-SHA-1': 16, 'SCRAM-SHA-256': 16 },
    onCreated: (user) => void facts.push(`created ${user.toString()}`),
    onDeleting: async (user) => void facts.push(`deleting ${user.toString()} ${(await accounts.find(user.local)) ? 'present' : 'absent'}`),
    closeSessions: async (user, except) => {
      const state = (await accounts.find(user.local)) ? 'present' : 'absent'
      facts.push(`closed ${user.toString()} ${state}${except ? ` except ${except.id}` : ''}`)
    },
    now: () => clock.now,
  })
  return { accounts, credentials: accounts.credentials, database: used, facts, clock }
}

const alice = { username: 'alice', password: 'secret' }

test('an account is created with a prepared name and keys for both mechanisms, never with the password', async () => {
  const { accounts, database, facts } = await store()
  const account = await accounts.create({ username: 'Alice', password: 'secret', name: 'Alice A.', email: 'a@example.org' })
  assert.deepEqual([account.username, account.name, account.email, account.disabled], ['alice', 'Alice A.', 'a@example.org', false])
  const [row] = await database.knex('ofUser')
  assert.deepEqual([row.plainPassword, row.encryptedPassword, row.creationDate.length], [null, null, 15])
  const keys = await database.knex('ofUserScram').orderBy('mechanism')
  assert.deepEqual(
    keys.map((key) => [key.mechanism, Buffer.from(key.salt, 'base64').length, Buffer.from(key.storedKey, 'base64').length]),
    [
      ['SCRAM-SHA-1', 24, 20],
      ['SCRAM-SHA-256', 24, 32],
    ],
  )
  assert.deepEqual(facts, ['created alice@example.org'])
})

test('of two who create the same account at once one gets it', async () => {
  const { accounts, facts } = await store()
  const results = await Promise.allSettled([accounts.create(alice), accounts.create({ username: 'ALICE', password: 'other' })])
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  assert.ok(results.some((result) => result.status === 'rejected' && result.reason instanceof AccountConflict))
  assert.equal(facts.length, 1)
})

test('names and passwords that cannot be are refused', async () => {
  const { accounts } = await store()
  for (const username of ['', 'a@b', 'a b', 'x'.repeat(65)]) await assert.rejects(accounts.create({ username, password: 'x' }), JidError)
  for (const password of ['', 'a\u0000b', 'ä'.repeat(512)]) await assert.rejects(accounts.create({ username: 'bob', password }), PasswordRefused)
  await assert.rejects(accounts.create({ ...alice, email: 'x'.repeat(101) }), RangeError)
  assert.equal(await accounts.count(), 0)
})

test('a password is verified, again and after it was changed', async () => {
  const { accounts } = await store()
  await accounts.create(alice)
  for (let i = 0; i < 2; i++) assert.equal(await accounts.verifyPassword('Alice', 'secret'), true)
  assert.equal(await accounts.verifyPassword('alice', 'wrong'), false)
  assert.equal(await accounts.verifyPassword('alice', ''), false)
  assert.equal(await accounts.verifyPassword('nobody', 'secret'), false)
  await accounts.setPassword('alice', 'changed')
  assert.equal(await accounts.verifyPassword('alice', 'secret'), false)
  assert.equal(await accounts.verifyPassword('alice', 'changed'), true)
})

test('a password that was verified before is refused once another node has changed it', async () => {
  const { accounts, database } = await store()
  await accounts.create(alice)
  assert.equal(await accounts.verifyPassword('alice', 'secret'), true)
  const other = await store({ database })
  await other.accounts.setPassword('alice', 'changed')
  assert.equal(await accounts.verifyPassword('alice', 'secret'), false)
})

test('a disabled account proves its password and may not log in', async () => {
  const { accounts, credentials, facts } = await store()
  await accounts.create(alice)
  await accounts.setDisabled('alice', true)
  await accounts.setDisabled('alice', true)
  assert.equal((await accounts.find('alice'))?.disabled, true)
  assert.equal(await accounts.verifyPassword('alice', 'secret'), false)
  assert.equal(await credentials.verifyPassword('alice', 'secret'), true)
  assert.equal(await credentials.isDisabled('alice'), true)
  assert.equal(facts[1], 'closed alice@example.org present')
  await accounts.setDisabled('alice', false)
  assert.equal(await accounts.verifyPassword('alice', 'secret'), true)
})

test('a lockout with a window holds in that window only', async () => {
  const { accounts, credentials, database } = await store()
  await accounts.create(alice)
  const at = (offset: number | null) => (offset === null ? null : String(Date.now() + offset).padStart(15, '0'))
  const windows: [number | null, number | null, boolean][] = [
    [null, null, true],
    [-60_000, 60_000, true],
    [60_000, null, false],
    [null, -60_000, false],
  ]
  for (const [start, end, disabled] of windows) {
    await database.knex('ofUserFlag').del()
    await database.knex('ofUserFlag').insert({ username: 'alice', name: 'lockout', startTime: at(start), endTime: at(end) })
    assert.equal(await credentials.isDisabled('alice'), disabled)
    assert.equal((await accounts.find('alice'))?.disabled, disabled)
  }
})

test('removing fires before the rows go, closes sessions after, and leaves nothing', async () => {
  const { accounts, database, facts } = await store()
  await accounts.create(alice)
  await accounts.setDisabled('alice', true)
  await accounts.remove('alice', { except: { id: 's1' } as ClientSession })
  assert.deepEqual(facts.slice(2), ['deleting alice@example.org present', 'closed alice@example.org absent except s1'])
  for (const table of ['ofUser', 'ofUserScram', 'ofUserFlag']) assert.deepEqual(await database.knex(table), [])
  assert.equal(await accounts.exists('alice'), false)
})

test('what is asked of an account that is not there is refused as missing', async () => {
  const { accounts } = await store()
  assert.equal(await accounts.find('alice'), undefined)
  assert.equal(await accounts.find('a@b'), undefined)
  for (const act of [
    () => accounts.setPassword('alice', 'x'),
    () => accounts.update('alice', {}),
    () => accounts.setDisabled('alice', true),
    () => accounts.remove('alice'),
  ])
    await assert.rejects(act(), AccountMissing)
})

test('update changes what is given and takes away what is empty', async () => {
  const { accounts } = await store()
  await accounts.create({ ...alice, name: 'A', email: 'a@example.org' })
  const changed = await accounts.update('alice', { name: '', email: undefined })
  assert.deepEqual([changed.name, changed.email], [undefined, 'a@example.org'])
})

test('existence is answered without a query once it is known, and follows creation and removal', async () => {
  const { accounts, database, clock } = await store()
  assert.equal(await accounts.exists('alice'), false)
  const before = database.queries.length
  assert.equal(accounts.exists('alice'), false)
  assert.equal(database.queries.length, before)
  await accounts.create(alice)
  assert.equal(accounts.exists('alice'), true)
  await accounts.remove('alice')
  assert.equal(accounts.exists('alice'), false)
  clock.now = 10_001
  assert.equal(await accounts.exists('alice'), false)
  assert.ok(database.queries.at(-1)?.includes('ofUser'))
})

test('a look-up that began before the account was created does not hide it', async () => {
  const { accounts } = await store()
  const stale = accounts.exists('alice')
  await accounts.create(alice)
  await stale
  assert.equal(await accounts.exists('alice'), true)
})

test('all who ask for a name while it is looked up are answered by one query, in the order in which they asked', async () => {
  const { accounts, database } = await store()
  await accounts.create(alice)
  const { accounts: again } = await store({ database }) // knows nothing yet
  const before = database.queries.length
  const answered: number[] = []
  const ask = async (number: number) => {
    if (await again.exists('alice')) answered.push(number)
  }
  await Promise.all([1, 2, 3].map(ask))
  assert.deepEqual([answered, database.queries.length - before], [[1, 2, 3], 1])
})

test('the list is searched literally, in order, page by page', async () => {
  const { accounts } = await store()
  for (const username of ['carl', 'alice', 'a_b', 'bob']) await accounts.create({ username, password: 'x', name: username === 'bob' ? '100%' : 'N' })
  const names = async (query: { search?: string; after?: string; limit?: number }) =>
    (await accounts.list({ limit: 10, ...query })).map(({ username }) => username)
  assert.deepEqual(await names({}), ['a_b', 'alice', 'bob', 'carl'])
  assert.deepEqual(await names({ after: 'alice', limit: 1 }), ['bob'])
  assert.deepEqual(await names({ search: '_' }), ['a_b'])
  assert.deepEqual(await names({ search: '%' }), ['bob'])
  assert.deepEqual(await names({ search: 'LI' }), ['alice'])
  assert.deepEqual(await names({ search: '!' }), [])
  await assert.rejects(names({ limit: 0 }), RangeError)
  assert.equal(await accounts.count(), 4)
})

test('an unknown name has the same salt at each asking, in every process, and another for each name and mechanism', async () => {
  const { credentials, database } = await store()
  const other = await store({ database })
  const keys = await credentials.scramKeys('nobody', 'SCRAM-SHA-256')
  assert.deepEqual((await other.credentials.scramKeys('nobody', 'SCRAM-SHA-256')).salt, keys.salt)
  assert.deepEqual([keys.salt.length, keys.iterations, keys.storedKey.length], [24, 16, 32])
  assert.notDeepEqual((await credentials.scramKeys('nobody2', 'SCRAM-SHA-256')).salt, keys.salt)
  assert.notDeepEqual((await credentials.scramKeys('nobody', 'SCRAM-SHA-1')).salt, keys.salt)
})

test('an Openfire account with SCRAM-SHA-1 alone logs in with PLAIN and gets SCRAM-SHA-256 by it', async () => {
  const { accounts: made, database } = await store()
  await made.create(alice)
  await database.knex('ofUserScram').where({ mechanism: 'SCRAM-SHA-256' }).del()
  const { accounts, credentials } = await store({ database }) // one that has not seen the password yet
  assert.equal(await credentials.hasKeysForAll('SCRAM-SHA-256'), false)
  assert.equal(await accounts.verifyPassword('alice', 'secret'), true)
  assert.equal(await credentials.hasKeysForAll('SCRAM-SHA-256'), true)
})

test('an Openfire account with a readable password and no keys logs in by every mechanism, and loses it at a change', async () => {
  const { accounts, credentials, database } = await store()
  const date = '001700000000000'
  await database.knex('ofUser').insert({ username: 'admin', plainPassword: 'admin', creationDate: date, modificationDate: date })
  const { salt, iterations, storedKey } = await credentials.scramKeys('admin', 'SCRAM-SHA-256')
  assert.deepEqual((await deriveKeys('SCRAM-SHA-256', 'admin', salt, iterations)).storedKey, storedKey)
  assert.equal(await accounts.verifyPassword('admin', 'admin'), true)
  await accounts.setPassword('admin', 'new')
  assert.equal((await database.knex('ofUser').first()).plainPassword, null)
  assert.equal(await accounts.verifyPassword('admin', 'admin'), false)
})

test('keys that older Openfire keeps in ofUser are used there, and the name of its later table is left free', async () => {
  const database = await memoryDatabase()
  open.push(database)
  const { salt, storedKey, serverKey } = await deriveKeys('SCRAM-SHA-1', 'secret', Buffer.alloc(24, 1), 4096)
  await database.knex.schema.createTable('ofVersion', (table) => void [table.string('name'), table.integer('version')])
  await database.knex('ofVersion').insert({ name: 'openfire', version: 38 })
  await database.knex.schema.createTable('ofUser', (table) => {
    for (const name of ['username', 'storedKey', 'serverKey', 'salt', 'plainPassword', 'encryptedPassword', 'name', 'email']) table.string(name)
    for (const name of ['creationDate', 'modificationDate']) table.string(name).defaultTo('001700000000000')
    table.integer('iterations')
  })
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'))
  await database.knex('ofUser').insert({ username: 'old', storedKey: storedText, serverKey: serverText, salt: saltText, iterations: 4096 })
  for (const step of accountTables) await step.up(database.knex.schema, { client: 'sqlite', knex: database.knex })
  const { accounts } = await store({ database, openfireVersion: 38 })
  assert.equal(await accounts.verifyPassword('old', 'wrong'), false)
  assert.equal(await accounts.verifyPassword('old', 'secret'), true)
  assert.equal(await database.knex.schema.hasTable('ofUserScram'), false)
  await accounts.setPassword('old', 'changed')
  assert.notEqual((await database.knex('ofUser').first()).storedKey, storedText)
  assert.equal(await accounts.verifyPassword('old', 'changed'), true)
})

test('when the database is away a login rejects and works again after', async () => {
  const { accounts, database } = await store()
  await accounts.create(alice)
  database.fail = true
  await assert.rejects(accounts.verifyPassword('alice', 'secret'), /away/)
  database.fail = false
  assert.equal(await accounts.verifyPassword('alice', 'secret'), true)
})

test('an account that has just been found usable is believed to be so for a moment, unless it is changed', async () => {
  const { accounts, credentials, clock } = await store()
  await accounts.create(alice)
  const found = async () => [await credentials.isDisabled('alice'), credentials.wasUsable('alice')]
  assert.equal(credentials.wasUsable('alice'), false)
  assert.deepEqual(await found(), [false, true])
  clock.now += 1999
  assert.equal(credentials.wasUsable('alice'), true)
  clock.now += 1
  assert.equal(credentials.wasUsable('alice'), false)
  assert.deepEqual(await found(), [false, true])
  await accounts.setDisabled('alice', true)
  assert.equal(credentials.wasUsable('alice'), false)
  assert.deepEqual(await found(), [true, false])
  await accounts.setDisabled('alice', false)
  assert.deepEqual(await found(), [false, true])
  await accounts.remove('alice')
  assert.equal(credentials.wasUsable('alice'), false)
  assert.deepEqual(await found(), [true, false])
})

test('a look-up that an account was changed under is not believed', async () => {
  const { accounts, credentials } = await store()
  await accounts.create(alice)
  const asked = credentials.isDisabled('alice')
  await accounts.setDisabled('alice', true)
  await asked
  assert.equal(credentials.wasUsable('alice'), false)
})

test('whoever has just been given a password logs in with it, and with no other', async () => {
  const { accounts } = await store()
  await accounts.create(alice)
  assert.deepEqual([await accounts.verifyPassword('alice', 'secret'), await accounts.verifyPassword('alice', 'other')], [true, false])
  await accounts.setPassword('alice', 'other')
  assert.deepEqual([await accounts.verifyPassword('alice', 'secret'), await accounts.verifyPassword('alice', 'other')], [false, true])
  await accounts.remove('alice')
  assert.equal(await accounts.verifyPassword('alice', 'other'), false)
})
