/** Message archives (XEP-0313) with all that the server ships: what happens to messages elsewhere, seen from the archive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer } from '@beaconfire/plugin-sdk/testing'
import { say, search, stanzaId } from '../conformance/support/archive.js'

test('ids stay valid over a restart, and what comes after is behind them', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  await say(romeo, 'juliet@test', 'a', 'b')
  const before = await search(romeo)
  await server.stop()
  const again = await startTestServer(t, { config: { dataFolder: server.dataFolder } })
  const back = await again.login('romeo')
  await say(back, 'juliet@test', 'c')
  assert.deepEqual((await search(back, { after: before.ids[0] ?? '' })).bodies, ['b', 'c'])
  assert.deepEqual((await search(back)).ids.slice(0, 2), before.ids)
})

test('a message that a client never acknowledged comes again with the id it has in the archive, where it is once (XEP-0198)', async (t) => {
  const server = await startTestServer(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'phone' })]
  juliet.send('<enable xmlns="urn:xmpp:sm:3"/>')
  await juliet.receive('enabled')
  await say(romeo, 'juliet@test', 'lost')
  const live = await juliet.receive('message')
  juliet.drop()
  await romeo.sync()
  const again = await server.login('juliet')
  const repeat = await again.receive('message')
  const { ids, bodies } = await search(again)
  assert.deepEqual(bodies, ['lost'])
  assert.deepEqual([stanzaId(live, 'juliet@test'), stanzaId(repeat, 'juliet@test')], [ids[0], ids[0]])
  assert.deepEqual((await search(romeo)).bodies, ['lost'])
})

test('a client that is told that its message was taken finds it in the archive of both (XEP-0198)', async (t) => {
  const server = await startTestServer(t)
  const [romeo] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send('<enable xmlns="urn:xmpp:sm:3"/>')
  await romeo.receive('enabled')
  romeo.send('<message to="juliet@test" type="chat"><body>Hi</body></message><r xmlns="urn:xmpp:sm:3"/>')
  assert.equal((await romeo.receive('a')).attrs.h, '1')
  const rows = (await server.database.forPlugin('mam').knex('ofMamArchive').orderBy('username')) as { username: string }[]
  assert.deepEqual(
    rows.map((it) => it.username),
    ['juliet', 'romeo'],
  )
})

test('what a user has blocked is not in the archive, and the refusal tells nothing of one (XEP-0191)', async (t) => {
  const server = await startTestServer(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await juliet.request('<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="romeo@test"/></block></iq>')
  await say(romeo, 'juliet@test', 'blocked')
  const refusal = await romeo.receive('message')
  assert.equal(errorCondition(refusal), 'service-unavailable')
  assert.deepEqual(refusal.getChildren('stanza-id', NS.stanzaIds), [])
  assert.deepEqual((await search(juliet)).bodies, [])
})

test('a copy by multicast is archived for each who gets it, under its sender (XEP-0033)', async (t) => {
  const server = await startTestServer(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  const addresses = ['juliet@test', 'nurse@test'].map((it) => `<address type="to" jid="${it}"/>`).join('')
  romeo.send(
    `<message to="test" type="chat"><body>all</body><addresses xmlns="http://jabber.org/protocol/address">${addresses}</addresses></message>`,
  )
  await romeo.sync()
  const nurse = await server.login('nurse')
  for (const client of [juliet, nurse]) {
    const live = await client.receive('message')
    const page = await search(client, { fields: { with: 'romeo@test' } })
    assert.deepEqual(page.ids, [stanzaId(live, client.jid.bare().toString())])
  }
  assert.deepEqual((await search(romeo)).bodies, ['all'])
})

test('an archive that is asked page after page while it grows tells everything once, in order', async (t) => {
  const server = await startTestServer(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const bodies: (string | undefined)[] = []
  await say(romeo, 'juliet@test', ...Array.from({ length: 25 }, (_, i) => `m${i}`))
  for (let after: string | undefined, round = 0; round < 20; round++) {
    if (round < 5) await say(romeo, 'juliet@test', `late ${round}`)
    const page = await search(juliet, { max: 4, ...(after !== undefined && { after }) })
    bodies.push(...page.bodies)
    after = page.last ?? after
    if (page.isComplete) break
  }
  assert.deepEqual(bodies, [...Array.from({ length: 25 }, (_, i) => `m${i}`), ...Array.from({ length: 5 }, (_, i) => `late ${i}`)])
})

test('the account tells what it can, in the names of the specifications', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const features = async (to: string) => {
    const answer = await romeo.request(`<iq type="get" to="${to}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`)
    return childElements(answer.getChild('query') ?? answer).flatMap((it) => it.attrs.var ?? [])
  }
  const account = await features('romeo@test')
  for (const feature of ['urn:xmpp:mam:2', 'urn:xmpp:mam:2#extended', 'urn:xmpp:sid:0']) assert.ok(account.includes(feature), feature)
  const domain = await features('test')
  for (const feature of ['urn:xmpp:sid:0', 'urn:xmpp:hints', 'http://jabber.org/protocol/address', 'jabber:iq:last'])
    assert.ok(domain.includes(feature), feature)
})
