/** The database of an Openfire installation, served in place: as its users meet it, and as Openfire would find it afterwards. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { childElements, type Element, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import type { Knex } from 'knex'
import offlineStorage from '../../plugins/offline-storage/index.js'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import privacy from '../../plugins/privacy/index.js'
import privateStorage from '../../plugins/private-storage/index.js'
import register from '../../plugins/register/index.js'
import roster from '../../plugins/roster/index.js'
import vcard from '../../plugins/vcard/index.js'
import { fillOffline, fillRosters, ODD_MESSAGES } from '../support/openfire-database.js'
import { type OpenfireStore, onBothGenerations, onMariaDbOpenfire } from '../support/openfire-store.js'

const plugins = [ping, roster, presence, offlineStorage, vcard, privateStorage, register, privacy]

function serve(t: TestScope, { config }: OpenfireStore, more: object = {}): Promise<TestServer> {
  return startTestServer(t, { plugins, database: config as NonNullable<Parameters<typeof startTestServer>[1]>['database'], config: more })
}

const get = (namespace: string, name: string, to = '') => `<iq type='get'${to && ` to='${to}'`}><${name} xmlns='${namespace}'/></iq>`
const itemsOf = (result: Element) => childElements(result.getChild('query') as Element)

async function login(server: TestServer, { users }: OpenfireStore, username: string) {
  const password = users.find((it) => it.username === username)?.password ?? ''
  return server.login(username, { password })
}

/** Columns of all tables that Openfire has made. */
async function shapeOf(knex: Knex, tables: readonly string[]): Promise<unknown> {
  return Promise.all(tables.map(async (it) => [it, (await knex.schema.hasTable(it)) ? await knex(it).columnInfo() : 'gone']))
}
const TABLES = [
  'ofUser',
  'ofUserScram',
  'ofUserProp',
  'ofUserFlag',
  'ofOffline',
  'ofPresence',
  'ofRoster',
  'ofRosterGroups',
  'ofVCard',
  'ofGroup',
  'ofGroupProp',
]
const MORE_TABLES = [
  'ofGroupUser',
  'ofID',
  'ofProperty',
  'ofVersion',
  'ofPrivacyList',
  'ofMucRoom',
  'ofMucService',
  'ofPubsubItem',
  'ofSecurityAuditLog',
]

onBothGenerations((newOpenfire, version) => {
  test('users find rosters, shared groups, vCards, private data and what was kept for them', async (t) => {
    const store = await newOpenfire(t)
    const { knex } = store
    await fillRosters(knex, ['user0'], {})
    await knex('ofGroup').insert({ groupName: 'sales' })
    const properties = { 'sharedRoster.showInRoster': 'onlyGroup', 'sharedRoster.displayName': 'Sales', 'sharedRoster.groupList': '' }
    for (const [name, propValue] of Object.entries(properties)) await knex('ofGroupProp').insert({ groupName: 'sales', name, propValue })
    await knex('ofGroupUser').insert(['user0', 'user1'].map((username, i) => ({ groupName: 'sales', username, administrator: i })))
    await knex('ofVCard').insert({ username: 'user1', vcard: '<vCard xmlns="vcard-temp"><FN>Uśer One</FN></vCard>' })
    const bookmarks = '<storage xmlns="storage:bookmarks"><conference jid="r@conference.test"/></storage>'
    const item = { serviceID: 'user0@test', nodeID: 'storage:bookmarks', jid: 'user0@test', creationDate: '001700000000000', payload: bookmarks }
    await knex('ofPubsubItem').insert({ ...item, id: 'current' })
    await fillOffline(
      knex,
      'user0',
      ODD_MESSAGES.map((it) => it.stanza),
    )

    const server = await serve(t, store)
    const user = await login(server, store, 'user0')
    const items = itemsOf(await user.request(get(NS.roster, 'query')))
    const item3 = items.find((it) => it.attrs.jid === 'c-3-0-0@test')
    assert.deepEqual([item3?.attrs.subscription, item3?.children.map(String)], ['both', ['<group>Friends</group>', '<group>Zoo &amp; Co</group>']])
    assert.equal(items.find((it) => it.attrs.jid === 'c-0-1-0@test')?.attrs.ask, 'subscribe')
    const shared = items.find((it) => it.attrs.jid === 'user1@test')
    assert.deepEqual([shared?.attrs.name, shared?.attrs.subscription, shared?.children.map(String)], ['User 1', 'both', ['<group>Sales</group>']])

    const colleague = await login(server, store, 'user1')
    const seen = (peer: string) => (el: Element) => el.getName() === 'presence' && String(el.attrs.from).startsWith(`${peer}@test/`)
    await user.receive(seen('user1'), 'presence of who is in the same group')
    await colleague.receive(seen('user0'), 'presence of who was there before')

    const card = await user.request(get(NS.vcard, 'vCard', 'user1@test'))
    assert.ok(String(card).includes('Uśer One'))
    const data = await user.request("<iq type='get'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>")
    assert.ok(String(data).includes('r@conference.test'))

    const bodies: (string | null)[] = []
    const readable = ODD_MESSAGES.filter((it) => it.body !== undefined)
    for (const { body } of readable) {
      const message = await user.receive('message')
      bodies.push(message.getChildText('body'))
      assert.equal(message.getChild('delay', NS.delay)?.attrs.stamp, '2023-11-14T22:13:20.000Z', body)
    }
    assert.deepEqual(
      bodies,
      readable.map((it) => it.body),
    )
    await user.close({ unavailable: true })
    await server.stop()
    // delivered and removed; what cannot be read stays
    assert.equal((await knex('ofOffline').where({ username: 'user0' })).length, ODD_MESSAGES.length - readable.length)
  })

  test('what is written is such that Openfire can be started on it again', async (t) => {
    const store = await newOpenfire(t)
    const { knex } = store
    const before = await shapeOf(knex, [...TABLES, ...MORE_TABLES])
    const rowsBefore = await knex('ofProperty').orderBy('name')
    const server = await serve(t, store)
    const user = await login(server, store, 'user0')
    await user.request("<iq type='set'><query xmlns='jabber:iq:roster'><item jid='friend@elsewhere'><group>G</group></item></query></iq>")
    user.send("<message to='user1@test' type='chat'><body>for later 😀</body></message>")
    await user.request("<iq type='set'><vCard xmlns='vcard-temp'><FN>Me</FN></vCard></iq>")
    await server.accounts.create({ username: 'newcomer', password: 'secret' })
    await server.accounts.setDisabled('user2', true)
    await user.close({ unavailable: true })
    await server.stop()

    assert.deepEqual(await shapeOf(knex, [...TABLES, ...MORE_TABLES]), before)
    assert.deepEqual((await knex('ofVersion').where({ name: 'openfire' }))[0]?.version, version)
    assert.deepEqual(await knex('ofProperty').whereNot('name', 'like', 'beaconfire.%').orderBy('name'), rowsBefore)
    const ids = new Map((await knex('ofID')).map((it) => [it.idType, Number(it.id)]))
    const [item] = await knex('ofRoster').where({ username: 'user0' })
    const [kept] = await knex('ofOffline').where({ username: 'user1' })
    assert.ok(Number(item.rosterID) < (ids.get(18) ?? 0) && Number(kept.messageID) < (ids.get(19) ?? 0))
    assert.deepEqual([item.sub, item.ask, item.recv], [0, -1, -1])
    assert.match(kept.creationDate, /^00\d{13}$/)
    assert.equal(kept.messageSize, kept.stanza.length)
    const lastPresence = await knex('ofPresence').where({ username: 'user0' }).first()
    assert.match(lastPresence.offlineDate, /^00\d{13}$/)
    const newcomer = await knex('ofUser').where({ username: 'newcomer' }).first()
    assert.deepEqual([newcomer.creationDate.length, newcomer.plainPassword, typeof newcomer.encryptedPassword], [15, null, 'string'])
    assert.deepEqual(
      (await knex('ofUserFlag')).map((it) => [it.username, it.name]),
      [['user2', 'lockout']],
    )

    // Openfire takes its ids in blocks of its own, and then we go on
    const next = ids.get(18) ?? 0
    await knex('ofID')
      .where({ idType: 18, id: next })
      .update({ id: next + 5 })
    await knex('ofRoster').insert({ rosterID: next + 4, username: 'user1', jid: 'x@y', sub: 0, ask: -1, recv: -1 })
    const again = await serve(t, store)
    const back = await login(again, store, 'user1')
    assert.equal((await back.receive('message')).getChildText('body'), 'for later 😀')
    await back.request("<iq type='set'><query xmlns='jabber:iq:roster'><item jid='other@elsewhere'/></query></iq>")
    assert.equal(itemsOf(await back.request(get(NS.roster, 'query'))).length, 2)
  })
})

/** For connections that are opened meanwhile. */
async function withSqlMode(knex: Knex, mode: string, work: () => Promise<void>): Promise<void> {
  const [[{ before }]] = (await knex.raw('select @@global.sql_mode as `before`')) as [[{ before: string }]]
  await knex.raw('set global sql_mode = ?', [mode])
  try {
    await work()
  } finally {
    await knex.raw('set global sql_mode = ?', [before])
  }
}

/** Has messages, requests, vCards and privacy lists kept that hold more than the character set. @param text as XML */
async function writeOdd(t: TestScope, store: OpenfireStore, [first, second]: readonly [string, string], text: string): Promise<void> {
  const server = await serve(t, store)
  const user = await login(server, store, first)
  user.send(`<message to='${second}@test' type='chat'><body>${text}</body></message>`)
  user.send(`<presence to='${second}@test' type='subscribe'><status>${text}</status></presence>`)
  await user.request(`<iq type='set'><vCard xmlns='vcard-temp'><FN>${text}</FN></vCard></iq>`)
  const item = "<item type='jid' value='日𠀀@test' action='deny' order='1'/>"
  await user.request(`<iq type='set'><query xmlns='${NS.privacy}'><list name='l'>${item}</list></query></iq>`)
  user.send("<message to='日本😀@test' type='chat' id='n'><body>nobody</body></message>")
  const isRefusal = (el: Element) => el.getName() === 'message' && el.attrs.type === 'error'
  await user.receive(isRefusal, 'the error for nobody')
  await server.stop()
}

/** What was kept in tables of a narrow character set, as another start hands it out. */
async function checkStored(t: TestScope, store: OpenfireStore, [first, second]: readonly [string, string], text: string): Promise<void> {
  const server = await serve(t, store)
  const other = await login(server, store, second)
  assert.equal((await other.receive('message')).getChildText('body'), text)
  const isRequest = (el: Element) => el.getName() === 'presence' && el.attrs.type === 'subscribe'
  assert.equal((await other.receive(isRequest, 'the subscription request')).getChildText('status'), text)
  const card = await other.request(get(NS.vcard, 'vCard', `${first}@test`))
  assert.equal(card.getChild('vCard')?.getChildText('FN'), text)
  const user = await login(server, store, first)
  const lists = await user.request(`<iq type='get'><query xmlns='${NS.privacy}'><list name='l'/></query></iq>`)
  assert.equal(lists.getChild('query')?.getChild('list')?.getChild('item')?.attrs.value, '日𠀀@test')
  assert.equal(await server.accounts.verifyPassword('日本😀', 'x'), false)
  assert.equal(await server.accounts.find('日本😀'), undefined)
  await server.stop()
}

onMariaDbOpenfire((newOpenfire) => {
  for (const version of [25, 32, 38, 40]) {
    test(`every plugin that is shipped runs on schema ${version}, twice, and alters none of its tables`, async (t) => {
      const store = await newOpenfire(t, { version, users: 2 })
      const [shown] = (await store.knex.raw('show tables')) as [Record<string, string>[]]
      const names = shown.map((it) => Object.values(it)[0] as string)
      const shape = async () => JSON.stringify(await Promise.all(names.map(async (it) => (await store.knex.raw(`show create table ${it}`))[0])))
      const before = await shape()
      for (let start = 0; start < 2; start++) {
        const server = await startTestServer(t, { database: store.config as NonNullable<Parameters<typeof startTestServer>[1]>['database'] })
        const failed = server.plugins.list().filter((it) => it.state !== 'running')
        assert.deepEqual(
          failed.map((it) => `${it.name}: ${it.error}`),
          [],
        )
        const user = await login(server, store, 'user0')
        await user.close({ unavailable: true })
        await server.stop()
      }
      assert.equal(await shape(), before)
    })
  }

  describe('system properties', () => {
    test('stand where the configuration says nothing, and only there', async (t) => {
      const properties = { 'register.inband': 'false', 'xmpp.offline.type': 'drop', 'xmpp.session.conflict-limit': '-1', 'sasl.mechs': 'PLAIN' }
      const store = await newOpenfire(t, { properties })
      const server = await serve(t, store)
      assert.equal(server.config.c2s.resourceConflict, 'reject-new')
      const stream = await server.connect()
      const features = await stream.open()
      assert.deepEqual(features.getChild('mechanisms')?.children.map(String), ['<mechanism>PLAIN</mechanism>'])
      assert.equal(features.getChild('register'), undefined)
      const user = await login(server, store, 'user0')
      user.send("<message to='user1@test' type='chat'><body>dropped</body></message>")
      await user.sync()
      assert.equal((await store.knex('ofOffline')).length, 0)
      await server.stop()
      const overruling = await serve(t, store, { c2s: { resourceConflict: 'kick-old' }, plugins: { settings: { register: { enabled: true } } } })
      assert.equal(overruling.config.c2s.resourceConflict, 'kick-old')
      assert.ok((await (await overruling.connect()).open()).getChild('register'))
      await overruling.stop()
      const deaf = await serve(t, store, { openfire: { useProperties: false } })
      assert.equal(deaf.config.c2s.resourceConflict, 'kick-old')
    })
  })

  for (const [charset, sqlMode] of [
    ['latin1', 'STRICT_TRANS_TABLES'],
    ['utf8mb3', 'STRICT_TRANS_TABLES'],
    ['latin1', ''],
    ['utf8mb3', ''],
  ] as const) {
    test(`tables of character set ${charset} (sql_mode '${sqlMode}') keep every character of messages, vCards, requests and privacy lists`, async (t) => {
      const store = await newOpenfire(t, { charset, version: charset === 'latin1' ? 38 : 40, users: 2 })
      await withSqlMode(store.knex, sqlMode, async () => {
        await writeOdd(t, store, ['user0', 'user1'], 'naïve 密码 😀 &amp; &lt;')
        await checkStored(t, store, ['user0', 'user1'], 'naïve 密码 😀 & <')
      })
    })
  }

  test('a schema that is later than this server knows is refused, and nothing is changed', async (t) => {
    const store = await newOpenfire(t)
    await store.knex('ofVersion').where({ name: 'openfire' }).update({ version: 41 })
    const before = (await store.knex.raw('show tables'))[0]
    await assert.rejects(serve(t, store), /schema version 41: this server knows it up to 40/)
    await store.knex('ofVersion').where({ name: 'openfire' }).update({ version: 40 })
    await store.knex('ofVersion').insert({ name: 'beaconfire', version: 99 })
    await assert.rejects(serve(t, store), /tables of beaconfire are of version 99/)
    assert.deepEqual((await store.knex.raw('show tables'))[0], before)
  })

  test('an upgrade of Openfire that was broken off is refused, and nothing is changed', async (t) => {
    const store = await newOpenfire(t, { version: 38 })
    await store.knex.schema.alterTable('ofUser', (table) => void table.dropColumn('storedKey'))
    const before = (await store.knex.raw('show tables'))[0]
    await assert.rejects(serve(t, store), /broken off half-way/)
    assert.deepEqual((await store.knex.raw('show tables'))[0], before)
  })

  test('an account of the database that may not make tables gets an error that names the table, and nothing is changed', async (t) => {
    const store = await newOpenfire(t)
    const { database } = store.config.connection as { database: string }
    await store.knex.raw(`create user 'w_${database.slice(-6)}'@'localhost' identified by 'pw'`)
    await store.knex.raw(`grant select, insert, update, delete on ${database}.* to 'w_${database.slice(-6)}'@'localhost'`)
    const config = { ...store.config, connection: { ...store.config.connection, user: `w_${database.slice(-6)}`, password: 'pw' } }
    const before = (await store.knex.raw('show tables'))[0]
    const versions = await store.knex('ofVersion')
    await assert.rejects(serve(t, { ...store, config }), /migration 1 of beaconfire failed: .*(denied).*ofUserScramExtra/)
    assert.deepEqual((await store.knex.raw('show tables'))[0], before)
    assert.deepEqual(await store.knex('ofVersion'), versions)
  })
})
