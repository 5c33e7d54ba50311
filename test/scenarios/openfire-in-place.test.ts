/** What an Openfire installation's database says has its effect, and what this server does not serve stays as it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, type Logger, NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestConfig, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { type OpenfireStore, onMariaDbOpenfire } from '../support/openfire-store.js'

/** With every plugin that is shipped. */
async function serve(t: TestScope, { config, users }: OpenfireStore, log?: Logger) {
  const server = await startTestServer(t, { database: config as NonNullable<TestConfig['database']>, ...(log && { log }) })
  const login = (username: string) => server.login(username, { password: users.find((it) => it.username === username)?.password ?? '' })
  return { server, login }
}

/** Another account of the database, with the right to read it and no other. */
async function readerOf({ knex, config }: OpenfireStore): Promise<{ user: string; password: string }> {
  const { database } = config.connection as { database: string }
  const account = { user: `r_${database.slice(-8)}`, password: 'pw' }
  await knex.raw(`create user '${account.user}'@'localhost' identified by '${account.password}'`)
  await knex.raw(`grant select on ${database}.* to '${account.user}'@'localhost'`)
  return account
}

const chat = (to: string, body: string) => `<message to='${to}@test' type='chat' id='${body}'><body>${body}</body></message>`
const isMessage = (el: Element) => el.getName() === 'message'

onMariaDbOpenfire((newOpenfire) => {
  for (const version of [34, 40]) {
    test(`rooms with all that belongs to them are the same after serving: schema ${version}`, async (t) => {
      const store = await newOpenfire(t, { version, users: 1 })
      const { knex } = store
      const flags = ['canChangeSubject', 'publicRoom', 'moderated', 'membersOnly', 'canInvite', 'canDiscoverJID', 'logEnabled', 'useReservedNick']
      await knex('ofMucRoom').insert({
        serviceID: 1,
        roomID: 7,
        name: 'lounge',
        naturalName: 'The Lounge 😀',
        creationDate: '001600000000000',
        modificationDate: '001600000000001',
        lockedDate: '000000000000000',
        maxUsers: 30,
        roomPassword: 'pw',
        subject: '<message><subject>&lt;</subject></message>',
        rolesToBroadcast: 7,
        allowpm: 0,
        ...Object.fromEntries([...flags, 'canChangeNick', 'canRegister'].map((it, i) => [it, i % 2])),
        ...(version >= 36 && { retireOnDeletion: 1, preserveHistOnDel: 1 }),
      })
      const affiliations = [10, 20, 30, 40].map((affiliation) => ({ roomID: 7, jid: `u${affiliation}@test`, affiliation }))
      await knex('ofMucAffiliation').insert(affiliations)
      await knex('ofMucMember').insert({ roomID: 7, jid: 'u30@test', nickname: 'Third' })
      await knex('ofMucRoomProp').insert({ roomID: 7, name: 'p', propValue: 'v' })
      await knex('ofMucServiceProp').insert({ serviceID: 1, name: 'p', propValue: 'v' })
      await knex('ofMucConversationLog').insert({ roomID: 7, messageID: 1, sender: 'u10@test', logTime: '001600000000002', body: 'hi' })
      const tables = ['Room', 'Affiliation', 'Member', 'RoomProp', 'ServiceProp', 'ConversationLog', 'Service'].map((it) => `ofMuc${it}`)
      const rows = () => Promise.all(tables.map((it) => knex(it)))
      const before = await rows()
      const { server, login } = await serve(t, store)
      const user = await login('user0')
      user.send("<presence to='lounge@conference.test/nick'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
      await user.sync()
      await user.close({ unavailable: true })
      await server.stop()
      assert.deepEqual(await rows(), before)
    })
  }

  test('a default privacy list of the database is applied to who logs in, and handed out', async (t) => {
    const store = await newOpenfire(t, { users: 3 })
    const list = `<list xmlns="jabber:iq:privacy" name="l"><item type="jid" value="user1@test" action="deny" order="1"><message/></item></list>`
    await store.knex('ofPrivacyList').insert({ username: 'user0', name: 'l', isDefault: 1, list })
    const { login } = await serve(t, store)
    const [user, blocked, free] = [await login('user0'), await login('user1'), await login('user2')]
    blocked.send(chat('user0', 'unwanted'))
    assert.equal((await blocked.receive(isMessage, 'the refusal')).attrs.type, 'error')
    free.send(chat('user0', 'wanted'))
    assert.equal((await user.receive(isMessage, 'what is not denied')).getChildText('body'), 'wanted')
    const lists = await user.request(`<iq type='get'><query xmlns='${NS.privacy}'/></iq>`)
    assert.equal(lists.getChild('query')?.getChild('default')?.attrs.name, 'l')
    const served = await user.request(`<iq type='get'><query xmlns='${NS.privacy}'><list name='l'/></query></iq>`)
    assert.match(String(served), /<item[^>]*value="user1@test"[^>]*><message\/><\/item>/)
  })

  test('xmpp.offline.quota of the database holds: what is beyond it comes back', async (t) => {
    const store = await newOpenfire(t, { users: 2, properties: { 'xmpp.offline.quota': '400', 'xmpp.offline.type': 'store_and_bounce' } })
    const { login } = await serve(t, store)
    const user = await login('user0')
    user.send(chat('user1', 'a'.repeat(100)))
    await user.sync()
    user.send(chat('user1', 'b'.repeat(400)))
    assert.equal((await user.receive(isMessage, 'what is beyond the quota')).attrs.type, 'error')
    const kept = await store.knex('ofOffline').where({ username: 'user1' })
    assert.deepEqual([kept.length, kept[0]?.stanza.includes('aaaa')], [1, true])
  })

  test('an account of the database that may only read serves what needs no writing, and every refusal is told', async (t) => {
    const store = await newOpenfire(t, { users: 3 })
    const first = await serve(t, store)
    await first.server.stop()
    const account = await readerOf(store)
    const said: string[] = []
    const say = (fields: object, text: string) =>
      void said.push(`${text} ${JSON.stringify(fields, (_, it) => (it instanceof Error ? it.message : it))}`)
    const log = { debug() {}, info() {}, warn: say, error: say, child: () => log }
    const { login } = await serve(t, { ...store, config: { ...store.config, connection: { ...store.config.connection, ...account } } }, log)
    const [user, other] = [await login('user0'), await login('user1')]
    user.send(chat('user1', 'live'))
    assert.equal((await other.receive(isMessage, 'what needs no database')).getChildText('body'), 'live')
    await user.sync()
    assert.equal((await other.request(`<iq type='get'><query xmlns='${NS.roster}'/></iq>`)).attrs.type, 'result')
    const item = "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='friend@elsewhere'/></query></iq>"
    assert.equal((await user.request(item)).attrs.type, 'error')
    for (const what of ['the secret that hides', 'keys of SCRAM could not be stored', 'a message could not be archived']) {
      assert.ok(
        said.some((it) => it.startsWith(what) && it.includes('command denied')),
        what,
      )
    }
    assert.doesNotMatch(said.join('\n'), /values \(\\?'/)
  })
})
