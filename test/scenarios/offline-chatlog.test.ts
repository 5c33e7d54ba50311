/** Offline storage and chat log together, as users and auditors meet them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { startTestServer, type TestConfig, type TestScope, type TestServer } from '@beaconfire/plugin-sdk/testing'
import chatlog from '../../plugins/chatlog/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

async function start(t: TestScope, settings: Record<string, object> = {}): Promise<TestServer> {
  const config = { plugins: { settings } } as TestConfig
  const server = await startTestServer(t, { plugins: [ping, roster, presence, offlineStorage, chatlog], config })
  for (const username of ['romeo', 'juliet']) await server.accounts.create({ username, password: username })
  return server
}

interface Logged {
  readonly messageID: number
  readonly content: string
  readonly sender: string
  readonly sessionJID: string
  readonly sentAt: string
  readonly detail: string
}
interface Page {
  readonly items: Logged[]
  readonly nextCursor?: string
  readonly total?: number
}

async function ask<T = Page>(server: TestServer, path: string): Promise<T> {
  const response = await server.admin(`/api/v1${path}`)
  assert.equal(response.status, 200, path)
  return (await response.json()) as T
}

const chat = (body: string, id: string, to = 'juliet@test') => `<message to="${to}" type="chat" id="${id}"><body>${body}</body></message>`
const kept = async (server: TestServer) => (await ask<{ messages: number }>(server, '/plugins/offline-storage/total')).messages

test('a message to an absent user waits for them, and is logged when they have it, under the time it was sent', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  romeo.send(chat('Wherefore?', '1'))
  await romeo.sync()
  assert.equal(await kept(server), 1)
  assert.deepEqual((await ask(server, '/chatlogs')).items, [])

  const juliet = await server.login('juliet', { resource: 'balcony' })
  const message = await juliet.receive('message')
  assert.equal(message.getChildText('body'), 'Wherefore?')
  const { items } = await ask(server, '/chatlogs?user=juliet')
  assert.deepEqual(
    items.map((it) => [it.content, it.sender, it.sessionJID, it.sentAt]),
    [['Wherefore?', 'romeo@test', 'juliet@test/balcony', message.getChild('delay', NS.delay)?.attrs.stamp]],
  )
  await juliet.close()
  const again = await server.login('juliet')
  await again.receiveNothing('message')
  assert.equal(await kept(server), 0)
})

test('a resource of negative priority gets nothing, until its priority rises', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { available: false })
  juliet.send('<presence><priority>-1</priority></presence>')
  await juliet.sync()
  romeo.send(chat('Wherefore?', '1'))
  await romeo.sync()
  await juliet.receiveNothing('message')
  juliet.send('<presence><priority>1</priority></presence>')
  assert.equal((await juliet.receive('message')).getChildText('body'), 'Wherefore?')
})

test('a full mailbox bounces to the sender, what is not worth keeping vanishes', async (t) => {
  const server = await start(t, { 'offline-storage': { quotaBytes: 400 } })
  const romeo = await server.login('romeo')
  romeo.send('<message to="juliet@test" type="chat"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>')
  romeo.send(chat('x'.repeat(200), '1'))
  romeo.send(chat('x'.repeat(200), '2'))
  const error = await romeo.receive('message')
  assert.deepEqual([error.attrs.type, error.attrs.id], ['error', '2'])
  assert.ok(error.getChild('error')?.getChild('service-unavailable', NS.stanzaErrors))
  await romeo.receiveNothing('message')
  assert.equal(await kept(server), 1)
})

test('a client that fetches first chooses for itself (XEP-0013)', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  for (const id of ['1', '2']) romeo.send(chat(`body ${id}`, id))
  await romeo.sync()
  const juliet = await server.login('juliet', { available: false })
  assert.equal((await juliet.request(`<iq type="get"><offline xmlns="${NS.offline}"><fetch/></offline></iq>`)).attrs.type, 'result')
  const nodes: string[] = []
  for (let i = 0; i < 2; i++) nodes.push((await juliet.receive('message')).getChild('offline', NS.offline)?.getChild('item')?.attrs.node)
  juliet.send('<presence/>')
  await juliet.receiveNothing('message')
  assert.equal(await kept(server), 2)
  const remove = `<iq type="set"><offline xmlns="${NS.offline}"><item action="remove" node="${nodes[0]}"/></offline></iq>`
  assert.equal((await juliet.request(remove)).attrs.type, 'result')
  assert.equal((await juliet.request(remove)).attrs.type, 'error')
  assert.equal(await kept(server), 1)
})

test('a message to several resources is logged once, one to oneself too', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  const resources = [await server.login('juliet', { resource: 'one' }), await server.login('juliet', { resource: 'two' })]
  romeo.send(chat('to both', '1'))
  for (const juliet of resources) assert.equal((await juliet.receive('message')).getChildText('body'), 'to both')
  romeo.send(chat('to myself', '2', 'romeo@test'))
  await romeo.receive('message')
  assert.deepEqual(
    (await ask(server, '/chatlogs?order=oldest')).items.map((it) => it.content),
    ['to both', 'to myself'],
  )
})

test('the log is asked by partner, text and page, and exported; a stanza by its id; refusals name the field', async (t) => {
  const server = await start(t)
  const [romeo, juliet, nurse] = [await server.login('romeo'), await server.login('juliet'), await server.login('nurse')]
  for (let i = 1; i <= 5; i++) romeo.send(chat(`Line ${i}, "quoted"`, String(i)))
  await romeo.sync()
  juliet.send(chat('=1+1', '6', 'romeo@test'))
  nurse.send(chat('Madam!', '7'))
  await Promise.all([juliet.sync(), nurse.sync()])

  const first = await ask(server, '/chatlogs?user=romeo&with=juliet&limit=4&order=oldest&total=true')
  assert.deepEqual([first.items.length, first.total], [4, 6])
  const second = await ask(server, `/chatlogs?user=romeo&with=juliet&limit=4&order=oldest&cursor=${first.nextCursor}`)
  assert.deepEqual(
    second.items.map((it) => it.content),
    ['Line 5, "quoted"', '=1+1'],
  )
  assert.equal(second.nextCursor, undefined)
  assert.equal((await ask(server, '/chatlogs?user=juliet&text=MADAM')).items.length, 1)
  const future = encodeURIComponent(new Date(Date.now() + 60_000).toISOString())
  assert.equal((await ask(server, `/chatlogs?from=${future}`)).items.length, 0)

  const id = second.items[1]?.messageID
  assert.match((await ask<Logged>(server, `/chatlogs/${id}`)).detail, /^<message .*from="juliet@test\/.*<body>=1\+1<\/body><\/message>$/)
  assert.equal((await server.admin('/api/v1/chatlogs/999999999')).status, 404)

  const csv = await server.admin('/api/v1/chatlogs/export?user=romeo&format=csv')
  assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/)
  const lines = (await csv.text()).trimEnd().split('\r\n')
  assert.equal(lines.length, 7)
  assert.match(lines[1] ?? '', /,"Line 1, ""quoted""",/)
  assert.match(lines[6] ?? '', /,'=1\+1,/)
  const jsonLines = (await (await server.admin('/api/v1/chatlogs/export')).text()).trimEnd().split('\n')
  assert.equal(jsonLines.length, 7)

  for (const [parameters, field] of Object.entries({ 'cursor=x': 'cursor', 'from=soon': 'from', 'limit=0': 'limit', 'with=juliet': 'with' })) {
    const response = await server.admin(`/api/v1/chatlogs?${parameters}`)
    assert.equal(response.status, 400)
    assert.equal(((await response.json()) as { field: string }).field, `query.${field}`)
  }
})

test('deletion by age is asked for explicitly, and says how much it took', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send(chat('x', '1'))
  await juliet.receive('message')
  await ask(server, '/chatlogs') // so that it is on disk
  const remove = async (parameters: string) => server.admin(`/api/v1/chatlogs${parameters}`, { method: 'DELETE' })
  assert.equal((await remove('')).status, 400)
  assert.deepEqual(await (await remove('?olderThanDays=1')).json(), { deleted: 0 })
  assert.deepEqual(await (await remove(`?before=${Date.now() + 1000}`)).json(), { deleted: 1 })
  assert.equal((await ask(server, '/chatlogs')).items.length, 0)
})

test('a removed user leaves no kept messages behind', async (t) => {
  const server = await start(t)
  const romeo = await server.login('romeo')
  romeo.send(chat('x', '1'))
  await romeo.sync()
  assert.equal(await kept(server), 1)
  await server.accounts.remove('juliet')
  assert.equal(await kept(server), 0)
})

test('a delay stamp in the server’s name is not believed from a client', async (t) => {
  const server = await start(t)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send('<message to="juliet@test" type="chat"><body>x</body><delay xmlns="urn:xmpp:delay" from="test" stamp="2001-01-01T00:00:00Z"/></message>')
  assert.equal((await juliet.receive('message')).getChild('delay', NS.delay), undefined)
  const [logged] = (await ask(server, '/chatlogs')).items
  assert.ok(logged && Date.parse(logged.sentAt) > Date.now() - 60_000)
})
