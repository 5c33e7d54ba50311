/** Last activity over sockets (XEP-0012). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import plugin from '../../plugins/last-activity/index.js'
import { lastActivity } from '../../plugins/last-activity/last-activity.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const start = (t: TestScope) => startTestServer(t, { plugins: [roster, presence, plugin] })
const ask = (client: TestClient, to = '') => client.request(`<iq type="get" id="1" ${to && `to="${to}"`}><query xmlns="jabber:iq:last"/></iq>`)

async function answered(client: TestClient, to = ''): Promise<{ seconds: number; status: string }> {
  const answer = await ask(client, to)
  const query = findChild(answer, 'query', NS.lastActivity)
  assert.equal(answer.attrs.type, 'result', String(answer))
  assert.match(String(query?.attrs.seconds), /^\d+$/)
  return { seconds: Number(query?.attrs.seconds), status: query?.getText() ?? '' }
}

/** Lets `contact` see the presence of `user`. */
async function approve(user: TestClient, contact: TestClient): Promise<void> {
  await contact.request('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')
  contact.send(`<presence type="subscribe" to="${user.jid.bare()}"/>`)
  await user.receive((el) => el.attrs.type === 'subscribe')
  user.send(`<presence type="subscribed" to="${contact.jid.bare()}"/>`)
  await contact.receive((el) => el.attrs.type === 'subscribed')
}

test('a contact who may see the presence learns when the user left, and with which words (§3)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await approve(juliet, romeo)
  juliet.send('<presence type="unavailable"><status>Heading &lt;Home></status></presence>')
  await juliet.close()
  await romeo.receive((el) => el.attrs.type === 'unavailable' && el.attrs.from === juliet.jid.toString())
  const { seconds, status } = await answered(romeo, 'juliet@test')
  assert.ok(seconds <= 10)
  assert.equal(status, 'Heading <Home>')
})

test('a user with a connected resource was active just now (§3)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  await approve(juliet, romeo)
  juliet.send('<presence type="unavailable"><status>Heading Home</status></presence>')
  await juliet.sync()
  assert.deepEqual(await answered(romeo, 'juliet@test'), { seconds: 0, status: '' })
  assert.deepEqual(await answered(romeo), { seconds: 0, status: '' })
  assert.deepEqual(await answered(romeo, 'romeo@test'), { seconds: 0, status: '' })
})

test('a user who is away and asks of themselves learns since when, and with which words', async (t) => {
  const romeo = await (await start(t)).login('romeo')
  romeo.send('<presence type="unavailable"><status>Goodbye</status></presence>')
  await romeo.sync()
  assert.equal((await answered(romeo)).status, 'Goodbye')
  romeo.send('<presence/>')
  await romeo.sync()
  assert.deepEqual(await answered(romeo), { seconds: 0, status: '' })
})

test('who may not see the presence gets the same forbidden for users here, away and unknown, and for any resource (§3, §4, §8)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
  await server.accounts.create({ username: 'nurse', password: 'nurse' })
  await approve(romeo, juliet) // the other way round: it gives Romeo nothing
  for (const to of ['juliet@test', 'juliet@test/balcony', 'juliet@test/gone', 'nurse@test', 'nobody@test', 'nobody@test/x']) {
    assert.equal(errorCondition(await ask(romeo, to)), 'forbidden', to)
  }
  await juliet.receiveNothing((el) => findChild(el, 'query', NS.lastActivity) !== undefined)
})

test('a request to a resource reaches its client when the asker may see the presence (§4)', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'balcony' })]
  await approve(juliet, romeo)
  const asked = ask(romeo, 'juliet@test/balcony')
  const { attrs } = await juliet.receive('iq')
  juliet.send(`<iq type="result" id="${attrs.id}" to="${attrs.from}"><query xmlns="jabber:iq:last" seconds="123"/></iq>`)
  assert.equal(findChild(await asked, 'query', NS.lastActivity)?.attrs.seconds, '123')
})

test('a user who was never seen is item-not-found to those who may see the presence', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { available: false })]
  juliet.send('<presence type="subscribed" to="romeo@test"/>')
  await juliet.sync()
  await romeo.request('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')
  romeo.send('<presence type="subscribe" to="juliet@test"/>')
  await romeo.receive((el) => el.attrs.type === 'subscribed')
  await juliet.close()
  await server.login('nurse')
  assert.equal(errorCondition(await ask(romeo, 'juliet@test')), 'item-not-found')
})

test('a clock that was set back makes no negative seconds', () => {
  assert.equal(lastActivity(-5).attrs.seconds, '0')
  assert.equal(lastActivity(903.9).attrs.seconds, '903')
})
