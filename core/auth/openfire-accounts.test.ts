import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '@beaconfire/plugin-sdk'
import fc from 'fast-check'
import { encrypt, type OpenfireUser, PASSWORD_FORMS, PASSWORD_KEY, scramSha1 } from '../../test/support/openfire-database.js'
import { type NewOpenfire, type OpenfireStore, onBothGenerations } from '../../test/support/openfire-store.js'
import { AccountStore, accountTables } from './account-store.js'
import type { OpenfirePasswordConfig } from './openfire-passwords.js'
import { isPasswordOf, tryPreparePassword } from './password-keys.js'

const SALT = Buffer.alloc(32, 5).toString('base64')
const tables = ['ofUser', 'ofUserScram', 'ofUserProp', 'ofUserFlag', 'ofProperty']

onBothGenerations((newOpenfire: NewOpenfire, version, client) => {
  async function accountsOn(store: OpenfireStore, openfire?: OpenfirePasswordConfig) {
    const database = await store.open()
    assert.equal(database.openfireVersion, version)
    await database.migrate('beaconfire', [...accountTables])
    const warnings: string[] = []
    const say = (_fields: object, message: string) => void warnings.push(message)
    const log = { debug: () => {}, info: () => {}, warn: say, error: say, child: () => log }
    const accounts = new AccountStore({
      database: database.forPlugin('beaconfire'),
      domain: Jid.parse('test'),
      openfireVersion: database.openfireVersion,
      openfire,
      log,
      onCreated: () => {},
      onDeleting: () => {},
      closeSessions: () => {},
    })
    return { accounts, warnings, credentials: accounts.credentials }
  }

  const of = (store: OpenfireStore, form: OpenfireUser['form']) => store.users.find((it) => it.form === form) as OpenfireUser
  const scramOf = async ({ knex }: OpenfireStore, username: string) =>
    version >= 39 ? knex('ofUserScram').where({ username, mechanism: 'SCRAM-SHA-1' }).first() : knex('ofUser').where({ username }).first()

  for (const salt of [undefined, SALT]) {
    test(`users log in with the passwords they have, whatever the form (key derivation ${salt ? 'pbkdf2' : 'sha1'})`, async (t) => {
      const store = await newOpenfire(t, { salt })
      const { accounts, credentials, warnings } = await accountsOn(store, { passwordKeyDerivation: 'auto', passwordSalt: salt })
      for (const { username, password, form } of store.users) {
        const isKnown = form !== 'none'
        assert.equal(await accounts.verifyPassword(username, `${password}x`), false, `${form}, wrong`)
        assert.equal(await accounts.verifyPassword(username, password), isKnown, form)
        assert.equal(await accounts.verifyPassword(username, password), isKnown, `${form}, again`)
        for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const) {
          assert.equal(await isPasswordOf(await credentials.scramKeys(username, mechanism), mechanism, password), isKnown, `${form} by ${mechanism}`)
        }
      }
      assert.deepEqual(warnings, [])
    })
  }

  test('a hundred users log in, by SCRAM and by PLAIN, with passwords of whatever characters', async (t) => {
    if (client === 'sqlite') return // Openfire does not run on it
    const salt = version >= 39 ? SALT : undefined
    const character = fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0xa1, max: 0x24f }), fc.integer({ min: 0x4e00, max: 0x9fff }))
    const password = fc.array(character, { minLength: 1, maxLength: 24 }).map((codes) => String.fromCodePoint(...codes))
    const passwords = fc.sample(
      password.filter((it) => tryPreparePassword(it) === it),
      { seed: version, numRuns: 100 },
    )
    const store = await newOpenfire(t, { users: 100, passwords, salt })
    const { accounts, credentials, warnings } = await accountsOn(store, { passwordKeyDerivation: 'auto', passwordSalt: salt })
    await Promise.all(
      store.users.map(async ({ username, password, form }) => {
        const isKnown = form !== 'none'
        const keys = await credentials.scramKeys(username, 'SCRAM-SHA-1')
        assert.equal(await isPasswordOf(keys, 'SCRAM-SHA-1', password), isKnown, `${form}: ${password}`)
        assert.equal(await accounts.verifyPassword(username, `${password}x`), false, `${form}, wrong: ${password}`)
        assert.equal(await accounts.verifyPassword(username, password), isKnown, `${form}: ${password}`)
      }),
    )
    assert.deepEqual(warnings, [])
  })

  test('a user whose password can be read has keys of both mechanisms before the first login with PLAIN', async (t) => {
    const store = await newOpenfire(t)
    const { credentials } = await accountsOn(store)
    for (const form of PASSWORD_FORMS) {
      if (form === 'scram' || form === 'none') continue
      const { username, password } = of(store, form)
      assert.ok(await isPasswordOf(await credentials.scramKeys(username, 'SCRAM-SHA-256'), 'SCRAM-SHA-256', password), form)
      assert.ok(await isPasswordOf(await credentials.scramKeys(username, 'SCRAM-SHA-1'), 'SCRAM-SHA-1', password), form)
    }
    assert.equal(await credentials.hasKeysForAll('SCRAM-SHA-256'), false) // users of `scram` and `none`
    await store
      .knex('ofUser')
      .whereIn(
        'username',
        store.users.filter((it) => it.form === 'scram' || it.form === 'none').map((it) => it.username),
      )
      .del()
    assert.equal(await credentials.hasKeysForAll('SCRAM-SHA-256'), true)
    assert.equal(await credentials.hasKeysForAll('SCRAM-SHA-1'), true)
  })

  test('a password changed here is stored in the forms that Openfire would store it in', async (t) => {
    const store = await newOpenfire(t)
    const { accounts } = await accountsOn(store)
    const { username } = of(store, 'encrypted+scram')
    const before = await scramOf(store, username)
    await accounts.setPassword(username, 'chänged')
    const row = await store.knex('ofUser').where({ username }).first()
    assert.equal(row.plainPassword, null)
    assert.equal(row.modificationDate.length, 15)
    const after = await scramOf(store, username)
    assert.notEqual(after.storedKey, before.storedKey)
    assert.deepEqual(pick(after), scramSha1('chänged', Buffer.from(after.salt, 'base64'), after.iterations))
    // what Openfire would read: decrypted by another implementation of the form
    const { PasswordCipher } = await import('./password-cipher.js')
    assert.equal((await PasswordCipher.create(PASSWORD_KEY, 'sha1', undefined)).decrypt(row.encryptedPassword), 'chänged')
    assert.equal(await accounts.verifyPassword(username, 'chänged'), true)
    await accounts.create({ username: 'newcomer', password: 'fresh' })
    const made = await store.knex('ofUser').where({ username: 'newcomer' }).first()
    assert.ok(made.encryptedPassword && made.creationDate.length === 15)
    assert.ok((await scramOf(store, 'newcomer')).storedKey)
    assert.equal(version >= 39 ? (await store.knex('ofUserScram').where({ mechanism: 'SCRAM-SHA-256' })).length : 0, 0)
    assert.equal(await store.knex.schema.hasTable('ofUserScram'), version >= 39)
    await accounts.remove('newcomer')
    for (const table of ['ofUser', 'ofUserScramExtra']) assert.equal((await store.knex(table).where({ username: 'newcomer' })).length, 0)
  })

  test('system properties decide which forms are written', async (t) => {
    const only = await newOpenfire(t, { properties: { 'user.scramHashedPasswordOnly': 'true', 'sasl.scram-sha-1.iteration-count': '5000' } })
    const first = await accountsOn(only)
    await first.accounts.setPassword('user0', 'changed')
    const row = await only.knex('ofUser').where({ username: 'user0' }).first()
    assert.deepEqual([row.plainPassword, row.encryptedPassword], [null, null])
    assert.equal((await scramOf(only, 'user0')).iterations, 5000)
    const plain = await newOpenfire(t, { properties: { 'user.usePlainPassword': 'TRUE' } })
    const second = await accountsOn(plain)
    await second.accounts.setPassword('user0', 'changed')
    const readable = await plain.knex('ofUser').where({ username: 'user0' }).first()
    assert.deepEqual([readable.plainPassword, readable.encryptedPassword], ['changed', null])
  })

  test('a password that Openfire changed counts at once, for every mechanism', async (t) => {
    const store = await newOpenfire(t)
    const { accounts, credentials } = await accountsOn(store)
    const { username, password } = of(store, 'encrypted+scram')
    assert.equal(await accounts.verifyPassword(username, password), true)
    assert.ok(await isPasswordOf(await credentials.scramKeys(username, 'SCRAM-SHA-256'), 'SCRAM-SHA-256', password))
    const keys = scramSha1('by openfire')
    if (version >= 39) await store.knex('ofUserScram').where({ username, mechanism: 'SCRAM-SHA-1' }).update(keys)
    await store
      .knex('ofUser')
      .where({ username })
      .update({ encryptedPassword: encrypt('by openfire', PASSWORD_KEY), ...(version < 39 && keys) })
    assert.equal(await accounts.verifyPassword(username, password), false)
    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const) {
      const now = await credentials.scramKeys(username, mechanism)
      assert.deepEqual([await isPasswordOf(now, mechanism, password), await isPasswordOf(now, mechanism, 'by openfire')], [false, true], mechanism)
    }
    assert.equal(await accounts.verifyPassword(username, 'by openfire'), true)
  })

  test('a password set by hand in SQL wins over keys that are left, and these follow at the login', async (t) => {
    const store = await newOpenfire(t)
    const { accounts, credentials } = await accountsOn(store)
    const { username, password } = of(store, 'encrypted+scram')
    await store.knex('ofUser').where({ username }).update({ plainPassword: 'reset', encryptedPassword: null })
    assert.equal(await accounts.verifyPassword(username, password), false)
    assert.equal(await accounts.verifyPassword(username, 'reset'), true)
    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const) {
      assert.ok(await isPasswordOf(await credentials.scramKeys(username, mechanism), mechanism, 'reset'), mechanism)
    }
  })

  test('a right password stays one when the keys that do not fit it cannot be replaced', async (t) => {
    const store = await newOpenfire(t)
    const { accounts, warnings } = await accountsOn(store)
    const { username } = of(store, 'encrypted+scram')
    const before = await scramOf(store, username)
    await store.knex('ofUser').where({ username }).update({ plainPassword: 'reset', encryptedPassword: null })
    const event = version >= 39 ? 'update on ofUserScram' : 'update on ofUser'
    await store.knex.raw(
      client === 'mysql'
        ? `create trigger refuse before ${event} for each row signal sqlstate '45000' set message_text = 'the disk is full'`
        : `create trigger refuse before ${event} begin select raise(abort, 'the disk is full'); end`,
    )
    assert.equal(await accounts.verifyPassword(username, 'reset'), true)
    assert.deepEqual(warnings, ['keys of SCRAM that do not fit the password could not be replaced; a later login tries again'])
    assert.equal((await scramOf(store, username)).storedKey, before.storedKey)
  })

  for (const [what, options, config] of [
    ['the passwordKey is missing', { passwordKey: null }, undefined],
    ['the salt is another', { salt: SALT }, { passwordKeyDerivation: 'auto', passwordSalt: Buffer.alloc(32, 6).toString('base64') }],
    ['the salt is not given', { salt: SALT }, undefined],
  ] as const) {
    test(`when ${what}, logins go by keys, it is said once, and nothing unreadable is written`, async (t) => {
      const store = await newOpenfire(t, options)
      const { accounts, warnings } = await accountsOn(store, config)
      for (const { username, password, form } of store.users) {
        const isVerifiable = form === 'encrypted+scram' || form === 'scram' || form.startsWith('plain')
        assert.equal(await accounts.verifyPassword(username, password), isVerifiable, form)
      }
      assert.deepEqual(warnings, ['encrypted passwords of Openfire cannot be read; logins go by the keys of SCRAM'])
      await accounts.setPassword('user0', 'changed')
      assert.equal((await store.knex('ofUser').where({ username: 'user0' }).first()).encryptedPassword, null)
      assert.equal(await accounts.verifyPassword('user0', 'changed'), true)
    })
  }

  test('dates that are none cost no user the account, and a lockout of that kind stays one', async (t) => {
    const store = await newOpenfire(t)
    await store.knex('ofUser').where({ username: 'user0' }).update({ creationDate: 'yesterday', modificationDate: '' })
    await store.knex('ofUserFlag').insert({ username: 'user1', name: 'lockout', startTime: 'x', endTime: 'y' })
    const { accounts, credentials } = await accountsOn(store)
    assert.equal((await accounts.find('user0'))?.createdAt.getTime(), 0)
    assert.equal((await accounts.list({ limit: 100 })).length, store.users.length)
    assert.equal(await credentials.isDisabled('user1'), true)
    assert.equal(await credentials.isDisabled('user0'), false)
  })

  test('no column of a table of Openfire is altered, and none of its tables dropped', async (t) => {
    const store = await newOpenfire(t)
    const shape = async () => Promise.all(tables.map(async (it) => ((await store.knex.schema.hasTable(it)) ? await store.knex(it).columnInfo() : it)))
    const before = await shape()
    await accountsOn(store)
    assert.deepEqual(await shape(), before)
  })
})

function pick({ storedKey, serverKey, salt, iterations }: ReturnType<typeof scramSha1>) {
  return { storedKey, serverKey, salt, iterations }
}
