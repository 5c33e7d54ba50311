/** Contact lists over sockets: what is set, pushed, kept and refused (RFC 6121 §2). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errorCondition, type LoginOptions, PeerDomain, recordingLogger, startTestServer, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { interested, itemsOf, rosterOf, says, setItem, told } from '../../test/conformance/support/contacts.js'
import { stageOfSuite } from '../../test/conformance/support/stage.js'
import presence from '../presence/index.js'
import roster from './index.js'

describe('roster', () => {
  const peer = new PeerDomain()
  const stage = stageOfSuite({ plugins: [roster, presence, peer.plugin], database: 'memory' })
  const rows = (table: string) => stage.server.database.forPlugin('test').knex(table)
  const login = async (options?: LoginOptions) => interested(await stage.login({ role: 'romeo', ...options }))

  /** A server of its own, with settings of the roster. */
  async function serverWith(t: TestScope, settings: object = {}) {
    const peer = new PeerDomain()
    const { log, entries } = recordingLogger()
    const config = { plugins: { settings: { roster: settings } } } as const
    const server = await startTestServer(t, { plugins: [roster, presence, peer.plugin], database: 'memory', log, config })
    return { server, peer, knex: server.database.forPlugin('test').knex, warnings: () => entries.filter((it) => it.level === 'warn') }
  }

  describe('roster set and get', () => {
    test('an item is pushed to the resources that asked for the roster, and to no other', async () => {
      const a = await login()
      const [b, c] = [await interested(await stage.another(a)), await stage.another(a)]
      for (const client of [a, b, c]) await told(client)
      await setItem(a, "<item jid='juliet@test' name='Juliet' subscription='both'><group>Lovers</group></item>")
      const item = 'juliet@test Juliet Lovers none'
      assert.deepEqual([await told(a), await told(b), await told(c)], [[`push ${item}`], [`push ${item}`], []])
      assert.deepEqual(await itemsOf(c), [item])
    })

    test('name and groups are replaced, the subscription stays', async () => {
      const romeo = await login()
      await says(romeo, "<presence type='subscribe' to='juliet@peer.test'/>")
      await setItem(romeo, "<item jid='juliet@peer.test' name='J'><group>A</group><group>B</group></item>")
      await setItem(romeo, "<item jid='juliet@peer.test'><group>B</group></item>")
      assert.deepEqual(await itemsOf(romeo), ['juliet@peer.test B none ask'])
    })

    test('what is stored is there after a restart, groups in their order, and the version is the same', async (t) => {
      const server = await startTestServer(t, { plugins: [roster, presence] })
      const romeo = await server.login('romeo')
      await setItem(romeo, "<item jid='juliet@test' name='&lt;J&gt;'><group>Z</group><group>A</group></item>")
      await says(romeo, "<presence type='subscribed' to='nurse@test'/>")
      const before = await rosterOf(romeo)
      await server.stop()
      const again = await startTestServer(t, { plugins: [roster, presence], config: { dataFolder: server.dataFolder } })
      const back = await again.login('romeo')
      assert.equal(String(await rosterOf(back)), String(before))
      assert.deepEqual(await itemsOf(back), ['juliet@test <J> Z A none', 'nurse@test none approved'])
      assert.equal(await rosterOf(back, before?.attrs.ver), undefined)
    })

    test('the version changes with what the user sees, and with nothing else', async () => {
      const [romeo, tybalt] = [await login(), await stage.login()]
      const version = async () => String((await rosterOf(romeo))?.attrs.ver)
      const empty = await version()
      await setItem(romeo, "<item jid='juliet@test'/>")
      const one = await version()
      assert.notEqual(one, empty)
      await says(tybalt, `<presence type='subscribe' to='${romeo.jid.bare()}'/>`)
      assert.equal(await version(), one)
      await setItem(romeo, "<item jid='juliet@test' name='J'/>")
      assert.notEqual(await version(), one)
      await setItem(romeo, "<item jid='juliet@test' subscription='remove'/>")
      assert.equal(await version(), empty)
    })

    for (const [what, content, condition] of [
      ['two items', "<item jid='a@test'/><item jid='b@test'/>", 'bad-request'],
      ['no item', '', 'bad-request'],
      ['no jid', '<item/>', 'bad-request'],
      ['a jid that is none', "<item jid='@@'/>", 'jid-malformed'],
      ['a group named twice', "<item jid='a@test'><group>A</group><group>A</group></item>", 'bad-request'],
      ['an empty group', "<item jid='a@test'><group/></item>", 'not-acceptable'],
      ['a group too long', `<item jid='a@test'><group>${'g'.repeat(256)}</group></item>`, 'not-acceptable'],
      ['a name too long', `<item jid='a@test' name='${'n'.repeat(256)}'/>`, 'not-acceptable'],
      ['a jid too long for the table', `<item jid='${'r'.repeat(1000)}@${'long.'.repeat(8)}test'/>`, 'not-acceptable'],
      ['the own bare jid', "<item jid='OWN'/>", 'not-allowed'],
      ['removal of what is not there', "<item jid='a@test' subscription='remove'/>", 'item-not-found'],
    ] as const) {
      test(`${what}: ${condition}, and nothing is stored`, async () => {
        const romeo = await login()
        assert.equal(errorCondition(await setItem(romeo, content.replace('OWN', `${romeo.jid.bare()}`))), condition)
        assert.deepEqual(await rows('ofRoster').where('username', romeo.jid.local), [])
        assert.deepEqual(await told(romeo), [])
      })
    }

    test("another account's roster is forbidden, to read and to write", async () => {
      const [romeo, juliet] = [await login(), await login()]
      for (const [type, content] of [
        ['get', ''],
        ['set', "<item jid='tybalt@test'/>"],
      ] as const) {
        const iq = `<iq type='${type}' to='${juliet.jid.bare()}'><query xmlns='jabber:iq:roster'>${content}</query></iq>`
        assert.equal(errorCondition(await romeo.request(iq)), 'forbidden')
      }
      assert.deepEqual(await itemsOf(juliet), [])
    })

    test('a full roster takes no more contacts, but changes of those it has', async (t) => {
      const { server, peer } = await serverWith(t, { maxItems: 1 })
      const romeo = await server.login('romeo')
      await setItem(romeo, "<item jid='a@test'/>")
      assert.equal(errorCondition(await setItem(romeo, "<item jid='b@test'/>")), 'resource-constraint')
      await says(romeo, "<presence id='1' type='subscribe' to='c@peer.test'/>")
      assert.deepEqual([await told(romeo), peer.take()], [['error resource-constraint'], []])
      assert.equal((await setItem(romeo, "<item jid='a@test' name='A'/>")).attrs.type, 'result')
    })

    test('changes at the same time, by several resources, are all kept', async () => {
      const one = await login()
      const two = await stage.another(one)
      await Promise.all(Array.from({ length: 20 }, (_, i) => setItem(i % 2 ? one : two, `<item jid='c${i}@test'/>`)))
      await Promise.all([
        setItem(one, "<item jid='c0@test' name='N'/>"),
        says(two, "<presence type='subscribe' to='c0@peer.test'/>", "<presence type='subscribed' to='c0@test'/>"),
      ])
      assert.equal((await itemsOf(one)).length, 21)
      const [row] = await rows('ofRoster').where({ jid: 'c0@test', username: one.jid.local })
      assert.equal(row.nick, 'N')
      assert.deepEqual(await rows('ofRosterExtra').where('rosterID', row.rosterID).select('approved'), [{ approved: 1 }])
    })

    test('rosters of accounts without sessions are forgotten beyond the limit, and read again', async (t) => {
      const { server } = await serverWith(t, { rememberedRosters: 1 })
      const comeAndGo = async (...names: string[]) => {
        for (const name of names) await (await server.login(name)).close()
      }
      const romeo = await server.login('romeo')
      await setItem(romeo, "<item jid='juliet@test'/>")
      await comeAndGo('a', 'b')
      const queries = server.breakDatabase({ plugin: 'roster' })
      await itemsOf(romeo)
      assert.equal(queries.hits, 0, 'one with a session stays in memory')
      await romeo.close()
      await comeAndGo('c', 'd')
      const before = queries.hits
      assert.deepEqual(await itemsOf(await server.login('romeo', { available: false })), ['juliet@test none'])
      assert.ok(queries.hits > before)
    })

    test('nothing is pushed or answered as done when it could not be stored', async (t) => {
      const { server, peer } = await serverWith(t)
      const romeo = await interested(await server.login('romeo'))
      server.breakDatabase({ plugin: 'roster', fail: new Error('disk full') })
      assert.equal(errorCondition(await setItem(romeo, "<item jid='juliet@test'/>")), 'internal-server-error')
      await says(romeo, "<presence id='1' type='subscribe' to='juliet@peer.test'/>")
      assert.deepEqual([await told(romeo), peer.take()], [['error internal-server-error'], []])
      assert.deepEqual(await itemsOf(romeo), [])
    })
  })

  describe("tables of Openfire's", () => {
    const row = { username: 'romeo', ask: -1, recv: -1, nick: null, stanza: null }

    test('codes are read and written, and rows without a valid JID are left alone', async (t) => {
      const { server, knex } = await serverWith(t)
      const stanza = "<presence type='subscribe' from='asks@test'><status>hi</status></presence>"
      await knex('ofRoster').insert([
        { ...row, rosterID: 101, jid: 'both@test', sub: 3, nick: 'B' },
        { ...row, rosterID: 102, jid: 'asked@test', sub: 0, ask: 0 },
        { ...row, rosterID: 103, jid: 'asks@test', sub: 0, recv: 1, stanza },
        { ...row, rosterID: 104, jid: '@', sub: 3 },
      ])
      await knex('ofRosterGroups').insert([
        { rosterID: 101, rank: 1, groupName: 'second' },
        { rosterID: 101, rank: 0, groupName: 'first' },
      ])
      const romeo = await server.login('romeo')
      await romeo.expect("<presence type='subscribe' from='asks@test' to='romeo@test'><status>hi</status></presence>")
      assert.deepEqual(await itemsOf(romeo), ['both@test B first second both', 'asked@test none ask'])
      await says(romeo, "<presence type='subscribed' to='asks@test'/>")
      const [asks] = await knex('ofRoster').where('rosterID', 103)
      assert.deepEqual({ sub: asks.sub, ask: asks.ask, recv: asks.recv, stanza: asks.stanza }, { sub: 2, ask: -1, recv: -1, stanza: null })
      assert.equal((await knex('ofRoster').where('rosterID', 104)).length, 1)
    })

    test('a contact that is there twice is shown once, with the better subscription, and both rows stay until it is removed', async (t) => {
      const { server, knex, warnings } = await serverWith(t)
      await knex('ofRoster').insert([
        { ...row, rosterID: 1, jid: 'juliet@test', sub: 1, nick: 'old' },
        { ...row, rosterID: 2, jid: 'juliet@test', sub: 3, nick: 'new' },
        { ...row, rosterID: 3, jid: 'gone@test', sub: -1 },
        { ...row, rosterID: 4, jid: '@@', sub: 3 },
      ])
      const before = warnings().length
      const romeo = await server.login('romeo')
      assert.deepEqual(await itemsOf(romeo), ['juliet@test new both'])
      assert.equal(warnings().length - before, 2)
      assert.equal((await knex('ofRoster')).length, 4)
      await setItem(romeo, "<item jid='juliet@test' subscription='remove'/>")
      assert.deepEqual(await knex('ofRoster').pluck('rosterID'), [3, 4])
    })

    test('one that kept no stanza of requests is used as it is', async (t) => {
      const first = await startTestServer(t, { plugins: [roster, presence] })
      await first.database.forPlugin('test').knex.schema.alterTable('ofRoster', (table) => void table.dropColumn('stanza'))
      await first.stop()
      const peer = new PeerDomain()
      const server = await startTestServer(t, { plugins: [roster, presence, peer.plugin], config: { dataFolder: first.dataFolder } })
      await server.accounts.create({ username: 'romeo', password: 'romeo' })
      await peer.say("<presence type='subscribe' from='a@peer.test' to='romeo@test'/>")
      assert.equal((await server.database.forPlugin('test').knex('ofRoster')).length, 1)
      assert.deepEqual(await told(await server.login('romeo')), ['subscribe a@peer.test'])
    })
  })
})
