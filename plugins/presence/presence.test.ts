/** Presence over sockets: who is shown what, when, and how it is taken back (RFC 6121 §4). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Jid, parseElement } from '@beaconfire/plugin-sdk'
import { errorCondition, PeerDomain, serviceUser, startTestServer, type TestClient } from '@beaconfire/plugin-sdk/testing'
import { bare, describePresence, interested, says, told } from '../../test/conformance/support/contacts.js'
import { stageOfSuite } from '../../test/conformance/support/stage.js'
import roster from '../roster/index.js'
import presence from './index.js'

describe('presence', () => {
  const peer = new PeerDomain()
  const user = serviceUser('presence')
  const stage = stageOfSuite({ plugins: [roster, presence, peer.plugin, user.plugin], database: 'memory' })
  const database = () => stage.server.database.forPlugin('test')
  const [TO, FROM, BOTH] = [1, 2, 3]

  /** Writes both ends of subscriptions into the tables, as if they had been there before the server started: `account` sees, is seen, or both. */
  async function befriend(account: Jid, ...contacts: readonly (readonly [Jid | string, sub?: number])[]): Promise<void> {
    const row = { ask: -1, recv: -1, nick: null, stanza: null }
    for (const [contact, sub = BOTH] of contacts) {
      await database()
        .knex('ofRoster')
        .insert({ ...row, rosterID: await database().nextId(18), username: account.local, jid: String(contact), sub })
      if (typeof contact === 'string') continue
      const mirrored = { username: contact.local, jid: account.toString(), sub: sub === BOTH ? BOTH : 3 - sub }
      await database()
        .knex('ofRoster')
        .insert({ ...row, rosterID: await database().nextId(18), ...mirrored })
    }
  }

  const couple = async () => [await stage.account('romeo'), await stage.account('juliet')] as const

  /** What the other domain was sent since the last time: presence in short words, and to whom. */
  const heard = () =>
    peer.take().map((xml) => {
      const el = parseElement(xml)
      return `${describePresence(el)} > ${el.attrs.to}`
    })

  /** Sends presence for the first time. @returns the client, with all that this brings in its queue */
  async function shows(client: TestClient, content = ''): Promise<TestClient> {
    await says(client, `<presence>${content}</presence>`)
    return client
  }

  describe('a broadcast', () => {
    test('of initial presence reaches contacts who may see it, and brings theirs', async () => {
      const [romeo, juliet] = await couple()
      const [nurse, paris] = [await stage.account('nurse'), await stage.account('paris')]
      await befriend(romeo, [juliet], [nurse, FROM], [paris, TO], ['remote@peer.test'])
      const contacts = [juliet, juliet, nurse, paris].map((it) => stage.another(it))
      const [hers, hersToo, nurses, his] = (await Promise.all(contacts)) as [TestClient, TestClient, TestClient, TestClient]
      await says(hers, '<presence xml:lang="en"><show>dnd</show><status>Busy</status><priority>3</priority></presence>')
      for (const client of [hers, hersToo, nurses, his]) await told(client)
      peer.take()
      const me = await shows(await stage.another(romeo, { available: false }), '<status>Here</status>')
      const mine = `available ${me.jid} Here`
      for (const client of [hers, hersToo, nurses]) assert.deepEqual(await told(client), [mine])
      assert.deepEqual(await told(his), [])
      assert.deepEqual(heard(), [`${mine} > remote@peer.test`, `probe ${romeo} > remote@peer.test`])
      await me.expect(`<presence from="${me.jid}" to="${me.jid}"><status>Here</status></presence>`)
      const content = '<show>dnd</show><status>Busy</status><priority>3</priority>'
      const busy = await me.receive((el) => el.attrs.from === hers.jid.toString())
      assert.deepEqual([busy.attrs.to, busy.attrs['xml:lang'], busy.children.join('')], [me.jid.toString(), 'en', content])
      assert.deepEqual(await told(me), [`available ${hersToo.jid}`, `available ${his.jid}`])
    })

    test("reaches the user's own available resources, and a new one learns of the others", async () => {
      const a = await stage.login()
      const b = await shows(await stage.another(a, { available: false }))
      assert.deepEqual([await told(a), await told(b)], [[`available ${b.jid}`], [`available ${b.jid}`, `available ${a.jid}`]])
      await says(b, "<presence type='unavailable'/>")
      for (const client of [a, b]) assert.deepEqual(await told(client), [`unavailable ${b.jid}`])
    })

    test('to 200 contacts makes no query, and probes are not repeated', async () => {
      const romeo = await stage.account('romeo')
      const crowd = Array.from({ length: 200 }, () => Jid.of(stage.name('contact'), 'test'))
      await befriend(romeo, ...crowd.map((it) => [it] as const))
      const contacts = await Promise.all([0, 50, 100, 150].map((i) => stage.another(crowd[i] as Jid)))
      const me = await stage.another(romeo)
      for (const client of [...contacts, me]) await told(client)
      const queries = stage.server.breakDatabase({})
      await says(me, '<presence><show>away</show></presence>')
      assert.equal(queries.hits, 0)
      queries.mend()
      for (const contact of contacts) await contact.expect(`<presence from="${me.jid}" to="${bare(contact)}"><show>away</show></presence>`)
      assert.deepEqual(await told(me), [`available ${me.jid}`])
    })

    test('of unavailable presence carries what the client said, of a lost connection nothing', async () => {
      const [romeo, juliet] = await couple()
      await befriend(romeo, [juliet])
      const contact = await stage.another(juliet)
      const [polite, lost] = [await stage.another(romeo), await stage.another(romeo)]
      await told(contact)
      await says(polite, "<presence type='unavailable'><status>Exeunt</status></presence>")
      await polite.close()
      assert.deepEqual(await told(contact), [`unavailable ${polite.jid} Exeunt`])
      lost.drop()
      await contact.expect(`<presence type="unavailable" from="${lost.jid}" to="${juliet}"/>`)
    })

    for (const priority of ['128', '-129', 'high', '1.5', '']) {
      test(`with the priority "${priority}" is refused with bad-request, and the resource stays what it was`, async () => {
        const romeo = await stage.login({ available: false })
        romeo.send(`<presence id='1'><priority>${priority}</priority></presence>`)
        assert.equal(errorCondition(await romeo.receive('presence')), 'bad-request')
        assert.equal(stage.server.sessions.get(romeo.jid)?.isAvailable, false)
      })
    }
  })

  describe('a probe', () => {
    /** What comes in answer, as XML. */
    async function probe(to: Jid | string, asker = 'romeo@peer.test', id = ''): Promise<string[]> {
      peer.take()
      await peer.say(`<presence type='probe' from='${asker}' to='${to}' ${id && `id='${id}'`}/>`)
      return peer.take()
    }
    const short = async (to: Jid | string, asker?: string) => (await probe(to, asker)).map((xml) => describePresence(parseElement(xml)))

    test('from who may see the account is answered by every available resource with its last presence', async () => {
      const [, juliet] = await couple()
      await befriend(juliet, ['romeo@peer.test'])
      const [a, b] = [await stage.another(juliet), await stage.another(juliet)]
      await says(a, '<presence><status>Now</status></presence>')
      assert.deepEqual((await short(juliet)).sort(), [`available ${a.jid} Now`, `available ${b.jid}`].sort())
      assert.deepEqual(await short(b.jid), [`available ${b.jid}`])
      await a.close()
      await says(b, "<presence type='unavailable'><status>Gone</status></presence>")
      const [last, ...more] = await probe(juliet)
      assert.deepEqual(more, [])
      assert.equal(describePresence(parseElement(String(last))), `unavailable ${juliet} Gone`)
      assert.match(String(last), new RegExp(`<delay xmlns="urn:xmpp:delay" from="${juliet}" stamp="[^"]+"/>`))
    })

    test('from who may not is answered with unsubscribed, unless the request still waits', async () => {
      const juliet = await stage.login({ role: 'juliet' })
      assert.deepEqual(await probe(bare(juliet), 'tybalt@peer.test/x'), [
        `<presence from="${bare(juliet)}" to="tybalt@peer.test" type="unsubscribed"/>`,
      ])
      await peer.say(`<presence type='subscribe' from='tybalt@peer.test' to='${bare(juliet)}'/>`)
      assert.deepEqual(await probe(bare(juliet), 'tybalt@peer.test'), [])
      assert.deepEqual(await told(juliet), ['subscribe tybalt@peer.test'], 'a probe is no business of clients')
    })

    test('keeps the id of what is shown, and mirrors its own where nothing is (§4.3.2.1)', async () => {
      const [, juliet] = await couple()
      await befriend(juliet, ['romeo@peer.test'])
      const client = await stage.another(juliet, { available: false })
      await says(client, "<presence id='shown'><show>dnd</show></presence>")
      const ids = async (to: Jid | string, asker?: string) =>
        (await probe(to, asker, 'probe')).map((xml) => [parseElement(xml).attrs.type, parseElement(xml).attrs.id])
      assert.deepEqual(await ids(juliet), [[undefined, 'shown']])
      assert.deepEqual(await probe(client.jid, undefined, 'probe'), [`<presence from="${client.jid}" to="romeo@peer.test"/>`], 'no more than that')
      assert.deepEqual(await ids(`${juliet}/gone`), [['unavailable', 'probe']])
      assert.deepEqual(await ids(juliet, 'tybalt@peer.test'), [['unsubscribed', 'probe']])
      await says(client, "<presence type='unavailable'/>")
      assert.deepEqual(await ids(juliet), [['unavailable', 'probe']])
    })

    test('from who got directed presence is answered by that resource alone, and with no more (§4.6.6)', async () => {
      const juliet = await stage.login({ role: 'juliet' })
      const other = await stage.another(juliet)
      await says(juliet, "<presence to='room@peer.test/j'><status>Secret</status></presence>")
      const there = `<presence from="${juliet.jid}" to="room@peer.test/j"/>`
      for (const to of [juliet.jid, bare(juliet)]) assert.deepEqual(await probe(to, 'room@peer.test/j'), [there])
      assert.deepEqual(await short(other.jid, 'room@peer.test/j'), [`unsubscribed ${bare(juliet)}`])
    })

    test('at login brings what absent contacts said when they went, in one query', async () => {
      const [romeo, juliet] = await couple()
      const [paris, nurse] = [await stage.account('paris'), await stage.account('nurse')]
      await befriend(romeo, [juliet], [paris, FROM], [nurse])
      for (const account of [juliet, paris, nurse]) {
        const client = await stage.another(account)
        await says(client, `<presence type='unavailable'>${account === nurse ? '' : '<status>Bye</status>'}</presence>`)
        await client.close()
      }
      const queries = stage.server.breakDatabase({ plugin: 'presence' })
      const me = await stage.another(romeo)
      assert.equal(queries.hits, 1)
      queries.mend()
      await me.expect(
        `<presence from="${juliet}" to="${me.jid}" type="unavailable"><status>Bye</status><delay xmlns="urn:xmpp:delay" from="*" stamp="*"/></presence>`,
      )
      assert.deepEqual(await told(me), [])
    })
  })

  describe('directed presence', () => {
    test('is taken back from all who got it when the resource goes, once from each', async () => {
      const [account, her] = await couple()
      await befriend(account, [her])
      const [juliet, tybalt, romeo] = [await stage.another(her), await stage.login({ role: 'tybalt' }), await stage.another(account)]
      await told(juliet)
      peer.take()
      for (const to of ['room@peer.test/romeo', 'left@peer.test/romeo', her, tybalt.jid]) await says(romeo, `<presence to='${to}'/>`)
      await says(romeo, "<presence type='unavailable' to='left@peer.test/romeo'/>")
      const session = stage.server.sessions.get(romeo.jid)
      assert.ok(session)
      assert.deepEqual(
        [user.services.presence.hasDirected(session, tybalt.jid), user.services.presence.hasDirected(session, juliet.jid)],
        [true, false],
      )
      await told(juliet)
      peer.take()
      romeo.drop()
      assert.equal(describePresence(await tybalt.receive((el) => el.attrs.type === 'unavailable')), `unavailable ${romeo.jid}`)
      assert.deepEqual(await told(tybalt), [`available ${romeo.jid}`])
      assert.deepEqual(await told(juliet), [`unavailable ${romeo.jid}`])
      assert.deepEqual(heard(), [`unavailable ${romeo.jid} > room@peer.test/romeo`])
    })

    test('of a resource that never was available is taken back too', async () => {
      const [romeo, witness] = [await stage.login({ available: false }), await stage.login()]
      await says(romeo, `<presence to='room@peer.test/romeo'/><presence to='${witness.jid}'/>`)
      peer.take()
      romeo.drop()
      await witness.receive((el) => el.attrs.type === 'unavailable')
      assert.deepEqual(heard(), [`unavailable ${romeo.jid} > room@peer.test/romeo`])
    })

    test('is forgotten when the other side says it is gone, or that it never was', async () => {
      const romeo = await stage.login()
      for (const type of ['error', 'unavailable']) {
        await says(romeo, "<presence to='room@peer.test/romeo'/>")
        await peer.say(`<presence type='${type}' from='room@peer.test/romeo' to='${romeo.jid}'/>`)
      }
      peer.take()
      await says(romeo, "<presence type='unavailable'/>")
      assert.deepEqual(heard(), [])
    })

    test('beyond the limit is refused and not routed', async (t) => {
      const other = new PeerDomain()
      const settings = { presence: { maxDirectedPresences: 1 } }
      const strict = await startTestServer(t, { plugins: [roster, presence, other.plugin], database: 'memory', config: { plugins: { settings } } })
      const romeo = await strict.login('romeo')
      for (const room of ['a', 'a', 'b']) await says(romeo, `<presence to='${room}@peer.test/romeo'/>`)
      assert.equal(other.take().length, 2)
      assert.deepEqual(await told(romeo), ['error resource-constraint'])
    })

    test('survives a reload of the plugin, which passes over what it cannot read', async (t) => {
      const other = new PeerDomain()
      const setup: typeof presence.setup = (context) => {
        const own = presence.setup(context)
        return { ...own, save: () => ({ 'gone@test/x': ['a@b'], 'juliet@test/x': 7, ...(own.save?.() as object) }) }
      }
      const reloaded = await startTestServer(t, { plugins: [roster, { ...presence, setup }, other.plugin], database: 'memory' })
      const [romeo, juliet] = [await reloaded.login('romeo'), await reloaded.login('juliet', { resource: 'x' })]
      await says(romeo, "<presence to='room@peer.test/romeo'/>")
      await reloaded.plugins.reload('presence')
      other.take()
      for (const client of [juliet, romeo]) await says(client, "<presence type='unavailable'/>")
      assert.deepEqual(other.take(), [`<presence type="unavailable" from="${romeo.jid}" to="room@peer.test/romeo"/>`])
    })
  })

  describe('a change of subscription', () => {
    test('shows the resources of who granted it, and hides them when it is withdrawn', async () => {
      const [romeo, juliet] = [await interested(await stage.login()), await stage.login()]
      await says(juliet, '<presence><status>On the balcony</status></presence>')
      await says(romeo, `<presence type='subscribe' to='${bare(juliet)}'/>`)
      await told(romeo)
      await says(juliet, `<presence type='subscribed' to='${bare(romeo)}'/>`)
      const shown = [`subscribed ${bare(juliet)}`, `push ${bare(juliet)} to`, `available ${juliet.jid} On the balcony`]
      assert.deepEqual(await told(romeo), shown)
      await says(juliet, `<presence type='unsubscribed' to='${bare(romeo)}'/>`)
      assert.deepEqual(await told(romeo), [`unavailable ${juliet.jid}`, `unsubscribed ${bare(juliet)}`, `push ${bare(juliet)} none`])
      await says(juliet, '<presence/>')
      assert.deepEqual(await told(romeo), [])
    })

    test('given up shows the contact as unavailable', async () => {
      const [account, her] = await couple()
      await befriend(account, [her])
      const [juliet, romeo] = [await stage.another(her), await stage.another(account)]
      await told(romeo)
      await says(romeo, `<presence type='unsubscribe' to='${her}'/>`)
      assert.deepEqual(await told(romeo), [`unavailable ${juliet.jid}`])
    })
  })

  test('what is kept of a user goes with the account, and does not come back with the end of its sessions', async () => {
    const kept = (account: Jid) => database().knex('ofPresence').where('username', account.local)
    const gone = await stage.login()
    const account = gone.jid.bare()
    await says(gone, "<presence type='unavailable'><status>Exit</status></presence>")
    await stage.server.plugins.reload('presence') // waits for what is being written
    assert.equal((await kept(account)).length, 1)
    const there = await stage.another(account)
    await stage.server.accounts.remove(account.local)
    await Promise.all([gone.closed, there.closed])
    await stage.server.plugins.reload('presence')
    assert.deepEqual(await kept(account), [])
  })

  test('what many say who go while the disk is busy is kept in few transactions', async (t) => {
    const busy = await startTestServer(t, { plugins: [roster, presence], database: 'memory' })
    const clients = await Promise.all(Array.from({ length: 50 }, (_, i) => busy.login(`u${i}`)))
    let isFree = () => {}
    const queries = busy.breakDatabase({ plugin: 'presence', until: new Promise<void>((resolve) => (isFree = resolve)) })
    for (const client of clients) await says(client, "<presence type='unavailable'/>")
    isFree()
    await busy.plugins.reload('presence') // waits for what is being written
    assert.equal((await busy.database.forPlugin('test').knex('ofPresence')).length, 50)
    assert.ok(queries.hits < 10, `${queries.hits} queries`)
  })
})
