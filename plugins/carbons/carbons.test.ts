/** Carbons over sockets (XEP-0280). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, childText, type Element, findChild, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, type TestClient, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import chatlog from '../chatlog/index.js'
import presence from '../presence/index.js'
import roster from '../roster/index.js'
import carbons from './index.js'

const start = (t: TestScope) => startTestServer(t, { plugins: [roster, presence, carbons] })
const request = (client: TestClient, word: string, to = '') =>
  client.request(`<iq type="set" id="1" ${to && `to="${to}"`}><${word} xmlns="urn:xmpp:carbons:2"/></iq>`)

/** A client of `user` that wants copies. */
async function enabled(server: TestServer, user: string, resource: string): Promise<TestClient> {
  const client = await server.login(user, { resource })
  assert.equal((await request(client, 'enable')).attrs.type, 'result')
  return client
}

/** The message in the next copy, after its wrapper was checked (§7, §8). */
async function copied(client: TestClient, direction: 'sent' | 'received'): Promise<Element> {
  const wrapper = await client.receive('message')
  assert.equal(wrapper.attrs.from, client.jid.bare().toString())
  assert.equal(wrapper.attrs.to, client.jid.toString())
  assert.equal(childElements(wrapper).length, 1)
  const forwarded = findChild(findChild(wrapper, direction, NS.carbons) ?? wrapper, 'forwarded', NS.forward)
  const original = forwarded && findChild(forwarded, 'message', NS.client)
  assert.ok(original, String(wrapper))
  assert.equal(wrapper.attrs.type, original.attrs.type)
  return original
}

test('a message to one resource is copied to the others that want copies, and only to them (§7)', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  const [one, two] = [await enabled(server, 'juliet', 'one'), await enabled(server, 'juliet', 'two')]
  const silent = await server.login('juliet', { resource: 'silent' })
  romeo.send('<message to="juliet@test/one" type="chat" id="m"><body>1 &lt; 2</body><thread>t</thread></message>')
  const original = await copied(two, 'received')
  assert.equal(childText(original, 'body', NS.client), '1 < 2')
  assert.deepEqual([original.attrs.from, original.attrs.to, original.attrs.id], [romeo.jid.toString(), 'juliet@test/one', 'm'])
  assert.equal((await one.receive('message')).attrs.from, romeo.jid.toString())
  await romeo.sync()
  for (const client of [one, two, silent, romeo]) await client.receiveNothing('message')
})

test("what a client sends is copied to the user's others, whether that client wants copies or not (§8)", async (t) => {
  const server = await start(t)
  const juliet = await server.login('juliet')
  const [sender, other] = [await server.login('romeo', { resource: 'sender' }), await enabled(server, 'romeo', 'other')]
  sender.send('<message to="juliet@test" type="chat"><body>1</body></message>')
  sender.send('<message to="nurse@elsewhere" type="chat" id="lost"><body>2</body></message>')
  assert.equal(childText(await copied(other, 'sent'), 'body', NS.client), '1')
  assert.equal(childText(await copied(other, 'sent'), 'body', NS.client), '2')
  assert.deepEqual((await copied(other, 'received')).attrs.type, 'error')
  assert.equal((await juliet.receive('message')).attrs.from, sender.jid.toString())
})

test('whom a message to the bare JID reaches gets no copy, a resource of negative priority does (§7)', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  const [one, two, low] = [await enabled(server, 'juliet', 'one'), await enabled(server, 'juliet', 'two'), await enabled(server, 'juliet', 'low')]
  low.send('<presence><priority>-1</priority></presence>')
  await low.sync()
  romeo.send('<message to="juliet@test" type="chat"><body>1</body></message>')
  assert.equal(childText(await copied(low, 'received'), 'body', NS.client), '1')
  await romeo.sync()
  for (const client of [one, two]) {
    assert.equal((await client.receive('message')).attrs.from, romeo.jid.toString())
    await client.receiveNothing('message')
  }
})

test('what one resource sends to another is copied once, to the third', async (t) => {
  const server = await start(t)
  const [a, b, c] = [await enabled(server, 'romeo', 'a'), await enabled(server, 'romeo', 'b'), await enabled(server, 'romeo', 'c')]
  a.send('<message to="romeo@test/b" type="chat"><body>1</body></message>')
  await copied(c, 'sent')
  assert.equal((await b.receive('message')).attrs.from, 'romeo@test/a')
  await a.sync()
  for (const client of [a, b, c]) await client.receiveNothing('message')
})

test('a private message, or one with the no-copy hint, is handed over as it is and not copied (§9)', async (t) => {
  const server = await start(t)
  const [sender, mine] = [await server.login('romeo'), await enabled(server, 'romeo', 'other')]
  const [one, two] = [await server.login('juliet', { resource: 'one' }), await enabled(server, 'juliet', 'two')]
  for (const mark of ['<private xmlns="urn:xmpp:carbons:2"/>', '<no-copy xmlns="urn:xmpp:hints"/>']) {
    sender.send(`<message to="juliet@test/one" type="chat"><body>1</body>${mark}</message>`)
    assert.ok((await one.receive('message')).toString().includes(mark))
  }
  await sender.sync()
  for (const client of [mine, two]) await client.receiveNothing('message')
})

test('an error is copied when it answers a message that was, and else not (§6.1, §10.3)', async (t) => {
  const server = await start(t)
  const [a, b] = [await server.login('romeo', { resource: 'a' }), await enabled(server, 'romeo', 'b')]
  const [one, two] = [await server.login('juliet', { resource: 'one' }), await enabled(server, 'juliet', 'two')]
  const error = (id: string) =>
    `<message to="${a.jid}" type="error" id="${id}"><error type="cancel"><gone xmlns="${NS.stanzaErrors}"/></error></message>`
  a.send('<message to="juliet@test/one" type="chat" id="copied"><body>1</body></message>')
  a.send('<message to="juliet@test/one" type="headline" id="not"><body>1</body></message>')
  await copied(b, 'sent')
  await copied(two, 'received')
  await a.sync()
  for (const id of ['copied', 'not', 'unheard-of']) one.send(error(id))
  for (const [client, direction] of [
    [b, 'received'],
    [two, 'sent'],
  ] as const) {
    const original = await copied(client, direction)
    assert.deepEqual([original.attrs.type, original.attrs.id], ['error', 'copied'])
  }
  await one.sync()
  for (const client of [b, two]) await client.receiveNothing('message')
})

test("a stranger's forged copy is handed over as any message, and not copied", async (t) => {
  const server = await start(t)
  const tybalt = await server.login('tybalt')
  const [one, two] = [await server.login('juliet', { resource: 'one' }), await enabled(server, 'juliet', 'two')]
  tybalt.send('<message to="juliet@test/one" type="chat"><received xmlns="urn:xmpp:carbons:2"/></message>')
  assert.equal((await one.receive('message')).attrs.from, tybalt.jid.toString())
  await tybalt.sync()
  await two.receiveNothing('message')
})

test('copies can be asked for and declined again and again, and end with the session (§10.1)', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  await server.login('juliet', { resource: 'one' })
  let two = await server.login('juliet', { resource: 'two' })
  for (const word of ['disable', 'enable', 'enable', 'disable', 'disable', 'enable']) assert.equal((await request(two, word)).attrs.type, 'result')
  const send = () => romeo.send('<message to="juliet@test/one" type="chat"><body>1</body></message>')
  send()
  await copied(two, 'received')
  await request(two, 'disable')
  send()
  await romeo.sync()
  await two.receiveNothing('message')
  await request(two, 'enable')
  await two.close()
  two = await server.login('juliet', { resource: 'two' })
  send()
  await romeo.sync()
  await two.receiveNothing('message')
})

test('who asked for copies still gets them after the plugin was reloaded', async (t) => {
  const server = await start(t)
  const [romeo, two] = [await server.login('romeo'), await enabled(server, 'juliet', 'two')]
  await server.login('juliet', { resource: 'one' })
  await server.plugins.reload('carbons')
  romeo.send('<message to="juliet@test/one" type="chat"><body>1</body></message>')
  await copied(two, 'received')
})

test("nobody asks for copies in another's name, or with a word that there is not", async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  await server.login('juliet')
  for (const to of ['juliet@test', 'nobody@test']) assert.equal(errorCondition(await request(romeo, 'enable', to)), 'service-unavailable')
  assert.equal(errorCondition(await request(romeo, 'private')), 'service-unavailable')
})

test('a message is logged once, however many copies go out', async (t) => {
  const server = await startTestServer(t, { plugins: [roster, presence, carbons, chatlog] })
  const [romeo, mine] = [await server.login('romeo'), await enabled(server, 'romeo', 'other')]
  await server.login('juliet', { resource: 'one' })
  const two = await enabled(server, 'juliet', 'two')
  romeo.send('<message to="juliet@test/one" type="chat"><body>1</body></message>')
  await Promise.all([copied(mine, 'sent'), copied(two, 'received')])
  await romeo.sync()
  const { items } = (await (await server.admin('/api/v1/chatlogs')).json()) as { items: unknown[] }
  assert.equal(items.length, 1)
})
