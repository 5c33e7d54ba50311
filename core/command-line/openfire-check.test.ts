import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestServer } from '@beaconfire/plugin-sdk/testing'
import type { Knex } from 'knex'
import { fillOffline, fillRosters, ODD_MESSAGES } from '../../test/support/openfire-database.js'
import { createMonitoringSchema } from '../../test/support/openfire-schema.js'
import { type OpenfireStore, onMariaDbOpenfire, openfireOnOwnMariaDb } from '../../test/support/openfire-store.js'
import { runCommandLine } from './command-line.js'
import type { CheckReport } from './openfire-check/report.js'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

function envOf({ config }: OpenfireStore, account?: { user: string; password: string }): NodeJS.ProcessEnv {
  const { socketPath, user, password, database } = config.connection as Record<string, string>
  return {
    BEACONFIRE_DATABASE_CLIENT: 'mysql',
    BEACONFIRE_DATABASE_CONNECTION_SOCKET_PATH: socketPath,
    BEACONFIRE_DATABASE_CONNECTION_USER: account?.user ?? user,
    BEACONFIRE_DATABASE_CONNECTION_PASSWORD: account?.password ?? password,
    BEACONFIRE_DATABASE_CONNECTION_DATABASE: database,
  }
}

async function check(store: OpenfireStore, env: NodeJS.ProcessEnv = {}, args: readonly string[] = ['--json']) {
  const said = { out: '', err: '' }
  const io = {
    env: { ...envOf(store), ...env },
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    isInteractive: false,
  }
  const code = await runCommandLine(['openfire-check', ...args], io)
  return { code, ...said, report: args.includes('--json') && said.out ? (JSON.parse(said.out) as CheckReport) : undefined }
}

/** An account that may read this database and nothing else. */
async function reader({ knex, config }: OpenfireStore): Promise<{ user: string; password: string }> {
  const { database } = config.connection as Record<string, string>
  const account = { user: `r_${database?.slice(-8)}`, password: 'pw' }
  await knex.raw(`create user '${account.user}'@'localhost' identified by '${account.password}'`)
  await knex.raw(`grant select on ${database}.* to '${account.user}'@'localhost'`)
  return account
}

/** Everything in the database, to see whether anything was touched. */
async function contents(knex: Knex): Promise<string> {
  const [tables] = (await knex.raw('show tables')) as [Record<string, string>[]]
  const names = tables.map((it) => Object.values(it)[0] as string)
  const [sums] = (await knex.raw(`checksum table ${names.join(', ')}`)) as [object]
  return JSON.stringify(sums)
}

const onlyGood = (store: OpenfireStore) =>
  store
    .knex('ofUser')
    .whereIn(
      'username',
      store.users.filter((it) => it.form === 'none').map((it) => it.username),
    )
    .del()

onMariaDbOpenfire((newOpenfire) => {
  for (const version of [25, 32, 38, 39, 40]) {
    test(`a sound database of schema ${version} is safe`, async (t) => {
      const store = await newOpenfire(t, { version, properties: { 'xmpp.offline.quota': '5000' } })
      await onlyGood(store)
      await fillRosters(store.knex, ['user0'], { hasStanza: version >= 33 })
      const { code, report } = await check(store)
      assert.deepEqual([code, report?.schemaVersion, report?.blocking, report?.losses, report?.findings], [0, version, [], [], []])
      const { passwords } = report as CheckReport
      assert.deepEqual(
        [passwords?.accounts, passwords?.withKeys, passwords?.readable, passwords?.readableOnly, passwords?.unverifiable],
        [12, 6, 10, 6, 0],
      )
      assert.match(passwords?.cipher ?? '', /sha1/)
      assert.equal(report?.tables.find((it) => it.name === 'ofRoster')?.rows, 36)
    })
  }

  test('it writes nothing, and an account that may only read will do', async (t) => {
    const store = await newOpenfire(t)
    await createMonitoringSchema(store.knex, 'mysql')
    await fillOffline(
      store.knex,
      'user0',
      ODD_MESSAGES.map((it) => it.stanza),
    )
    const before = await contents(store.knex)
    const account = await reader(store)
    const { code, report, err } = await check(store, envOf(store, account))
    assert.equal(code, 1, err)
    assert.equal(report?.monitoringVersion, 10)
    assert.equal(await contents(store.knex), before)
  })

  test('what cannot be understood is named with its table, and costs nothing else', async (t) => {
    const store = await newOpenfire(t)
    const { knex } = store
    await knex('ofUser').where({ username: 'user0' }).update({ creationDate: 'yesterday' })
    await knex('ofUser').insert({ username: 'Not Prepared', creationDate: '0'.repeat(15), modificationDate: '0'.repeat(15) })
    const item = { username: 'user1', ask: -1, recv: -1, nick: null, stanza: null }
    await knex('ofRoster').insert([
      { ...item, rosterID: 1, jid: '@@', sub: 3 },
      { ...item, rosterID: 2, jid: 'a@test', sub: 3 },
      { ...item, rosterID: 3, jid: 'a@test', sub: 1 },
      { ...item, rosterID: 4, jid: 'b@test', sub: 77 },
    ])
    await knex('ofVCard').insert({ username: 'user1', vcard: '<vCard>' })
    await knex('ofGroupUser').insert({ groupName: 'g', username: 'no address', administrator: 0 })
    await knex('ofPrivacyList').insert({ username: 'user1', name: 'l', isDefault: 0, list: 'list' })
    await fillOffline(
      knex,
      'user1',
      ODD_MESSAGES.map((it) => it.stanza),
      'no date',
    )
    await knex.schema.createTable('ofPluginOfSomebody', (table) => void table.integer('id'))
    const { code, report } = await check(store)
    assert.equal(code, 1)
    const found = report?.findings.map((it) => `${it.table} ${it.rows} ${it.examples[0]}`).sort()
    assert.deepEqual(found, [
      'ofGroupUser 1 g, no address',
      'ofOffline 11 user1, 1',
      'ofPrivacyList 1 user1, l',
      'ofRoster 1 1',
      'ofRoster 1 4',
      'ofRoster 1 user1, a@test',
      'ofUser 1 Not Prepared',
      'ofUser 1 user0',
      'ofVCard 1 user1',
    ])
    assert.ok(report?.notes.some((it) => it.includes('ofPluginOfSomebody')))
    assert.ok(
      report?.losses.some((it) => /^3 accounts have no password/.test(it)),
      String(report?.losses),
    )
    const { out } = await check(store, {}, [])
    assert.match(out, /ofVCard +1 +served in place/)
    assert.match(out, /Safe to serve, with what is named above/)
  })

  test('a wrong salt is told by how many passwords it leaves unread; the right one reads them', async (t) => {
    const salt = Buffer.alloc(32, 7).toString('base64')
    const store = await newOpenfire(t, { salt })
    await onlyGood(store)
    const wrong = await check(store, { BEACONFIRE_OPENFIRE_PASSWORD_SALT: Buffer.alloc(32, 8).toString('base64') })
    assert.equal(wrong.code, 1)
    assert.equal(wrong.report?.passwords?.encryptedUnreadable, 6)
    const right = await check(store, { BEACONFIRE_OPENFIRE_PASSWORD_SALT: salt })
    assert.deepEqual([right.code, right.report?.passwords?.encryptedUnreadable], [0, 0])
    assert.match(right.report?.passwords?.cipher ?? '', /pbkdf2/)
    assert.ok(!JSON.stringify(right.report).includes(salt))
  })

  test('system properties are told apart: honoured, overruled, without meaning', async (t) => {
    const properties = {
      'xmpp.session.conflict-limit': '-1',
      'sasl.mechs': 'PLAIN',
      'xmpp.auth.anonymous': 'perhaps',
      'xmpp.offline.type': 'bounce',
      'xmpp.offline.quota': 'much',
      'register.inband': 'false',
    }
    const store = await newOpenfire(t, { properties })
    const written = { BEACONFIRE_C2S_RESOURCE_CONFLICT: 'rename', BEACONFIRE_PLUGINS_SETTINGS_REGISTER_ENABLED: 'true' }
    const { report } = await check(store, written)
    assert.deepEqual(report?.honoured.map((it) => it.property).sort(), ['sasl.mechs', 'xmpp.domain', 'xmpp.offline.type'])
    assert.deepEqual(report?.overruled, [
      { property: 'xmpp.session.conflict-limit', key: 'c2s.resourceConflict' },
      { property: 'register.inband', key: 'plugins.settings.register.enabled' },
    ])
    for (const name of ['xmpp.auth.anonymous', 'xmpp.offline.quota'])
      assert.ok(
        report?.losses.some((it) => it.startsWith(name)),
        name,
      )
  })

  describe('is not safe', () => {
    for (const [what, spoil, reason] of [
      ['a later schema', (knex: Knex) => knex('ofVersion').where({ name: 'openfire' }).update({ version: 41 }), /up to 40/],
      ['an earlier schema', (knex: Knex) => knex('ofVersion').where({ name: 'openfire' }).update({ version: 24 }), /from 25 on/],
      ['an upgrade broken off', (knex: Knex) => knex.schema.dropTable('ofUserScram'), /broken off half-way/],
      [
        'an upgrade to 39 broken off',
        (knex: Knex) => knex('ofVersion').where({ name: 'openfire' }).update({ version: 38 }),
        /broken off half-way \(ofUser has no column storedKey/,
      ],
      [
        'an upgrade to 39 broken off behind its new table',
        async (knex: Knex) => {
          await knex.raw('alter table ofUser add storedKey varchar(32), add serverKey varchar(32), add salt varchar(32), add iterations integer')
          await knex('ofVersion').where({ name: 'openfire' }).update({ version: 38 })
        },
        /broken off half-way \(there is a table ofUserScram/,
      ],
      ['a table that is missing', (knex: Knex) => knex.schema.dropTable('ofVCard'), /no table ofVCard/],
      ['a database of another program', (knex: Knex) => knex('ofVersion').del(), /none of an Openfire/],
      [
        'users in a directory',
        (knex: Knex) => knex('ofProperty').insert({ name: 'provider.auth.className', propValue: 'org.jivesoftware.openfire.ldap.LdapAuthProvider' }),
        /LdapAuthProvider/,
      ],
    ] as const) {
      test(what, async (t) => {
        const store = await newOpenfire(t, { version: 40 })
        await spoil(store.knex)
        const before = await contents(store.knex)
        const { code, report } = await check(store)
        assert.equal(code, 2)
        assert.match(String(report?.blocking), reason)
        assert.equal(await contents(store.knex), before)
      })
    }

    test('a database that cannot be reached, or is none of MySQL', async (t) => {
      const store = await newOpenfire(t)
      const away = await check(store, { BEACONFIRE_DATABASE_CONNECTION_SOCKET_PATH: '/nowhere/socket' })
      assert.deepEqual([away.code, away.out], [2, ''])
      assert.match(away.err, /could not be looked at/)
      assert.equal((await check(store, { BEACONFIRE_DATABASE_CLIENT: 'sqlite' })).code, 2)
      const denied = await check(store, { BEACONFIRE_DATABASE_CONNECTION_USER: 'nobody' })
      assert.equal(denied.code, 2)
    })
  })

  test('a wrong configuration, and a check that fails itself, have codes that no result has', async (t) => {
    const store = await newOpenfire(t, { users: 1 })
    const wrong = await check(store, { BEACONFIRE_OPENFIRE_PASSWORD_KEY_DERIVATION: 'pbkdf2' })
    assert.deepEqual([wrong.code, wrong.out], [64, ''])
    assert.match(wrong.err, /^openfire\.passwordSalt: is required/)
    const said: string[] = []
    const refuse = () => {
      throw new TypeError('the report cannot be printed')
    }
    const io = { env: envOf(store), out: refuse, err: (text: string) => void said.push(text), isInteractive: false }
    assert.equal(await runCommandLine(['openfire-check'], io), 70)
    assert.match(said.join(''), /^The command failed: TypeError: the report cannot be printed\n {4}at /)
  })

  test('thousands of accounts and rows are looked at, and the command runs from the command line', async (t) => {
    const store = await newOpenfire(t, { users: 3500 })
    await fillRosters(
      store.knex,
      store.users.slice(0, 100).map((it) => it.username),
    )
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, 'openfire-check', '--json'], {
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...envOf(store) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [code] = (await once(child, 'close')) as [number]
    const report = JSON.parse(Buffer.concat(chunks).toString()) as CheckReport
    assert.deepEqual([code, report.passwords?.accounts, report.passwords?.unverifiable], [1, 3500, 500])
    assert.equal(report.tables.find((it) => it.name === 'ofRoster')?.rows, 3600)
  })
})

test('where the database server has all names of tables in lower case, they are known all the same', async (t) => {
  const store = await openfireOnOwnMariaDb(t, { version: 40, users: 6, charset: 'utf8mb3' }, ['--lower-case-table-names=1'])
  if (!store) return
  await createMonitoringSchema(store.knex, 'mysql')
  for (const start of ['first', 'second']) {
    const { code, report } = await check(store)
    assert.deepEqual([code, report?.blocking, report?.losses], [0, [], []], start)
    assert.deepEqual(
      report?.tables.filter((it) => it.use === 'unknown'),
      [],
      start,
    )
    assert.deepEqual([report?.tables.find((it) => it.name === 'ofUser')?.rows, report?.monitoringVersion], [6, 10], start)
    const server = await startTestServer(t, { database: store.config as NonNullable<Parameters<typeof startTestServer>[1]>['database'] })
    assert.deepEqual(
      server.plugins.list().filter((it) => it.state !== 'running'),
      [],
    )
    const { username, password } = store.users[0] as { username: string; password: string }
    const user = await server.login(username, { password })
    await user.request("<iq type='set'><query xmlns='jabber:iq:roster'><item jid='friend@elsewhere'><group>G</group></item></query></iq>")
    await user.request("<iq type='set'><vCard xmlns='vcard-temp'><FN>Me 😀</FN></vCard></iq>")
    assert.match(String(await user.request("<iq type='get'><vCard xmlns='vcard-temp'/></iq>")), /<FN>Me 😀<\/FN>/)
    await user.close({ unavailable: true })
    await server.stop()
  }
})

test('a command that there is not, and help, are answered', async () => {
  const said: string[] = []
  const io = { env: {}, out: (text: string) => void said.push(text), err: (text: string) => void said.push(text), isInteractive: false }
  assert.equal(await runCommandLine(['nonsense'], io), 64)
  assert.equal(await runCommandLine(['--help'], io), 0)
  assert.match(said.join(''), /openfire-check/)
  assert.equal(await runCommandLine(['openfire-check', '--nonsense'], io), 64)
})

test('what fails where nobody catches it ends with the code of that', async () => {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, 'openfire-check', '--help'], {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy() // what it prints meets a closed pipe
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 70)
  assert.match(Buffer.concat(said).toString(), /^The command failed: write EPIPE/)
})
