/** The four calls of an interceptor, as seed 004 recorded them: online, offline, and what the design mends. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type AnyPlugin, definePlugin, NS, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'
import {
  type MariaDb,
  openfireSequence,
  recordInterceptor,
  startMariaDb,
  startTestServer,
  type TestConfig,
  type TestScope,
} from '@beaconfire/plugin-sdk/testing'
import chatlog from '../../plugins/chatlog/index.js'
import offlineStorage from '../../plugins/offline-storage/index.js'
import ping from '../../plugins/ping/index.js'
import presence from '../../plugins/presence/index.js'
import roster from '../../plugins/roster/index.js'

const shipped = [ping, roster, presence, offlineStorage, chatlog]

async function verona(t: TestScope, database?: TestConfig['database'], ...others: AnyPlugin[]) {
  const recorder = recordInterceptor()
  const server = await startTestServer(t, { plugins: [...shipped, recorder.plugin, ...others], ...(database && { database }) })
  const rows = (table: string) => server.database.forPlugin('test').knex(table).select<Record<string, unknown>[]>()
  return { server, recorder, rows }
}

/** Undefined when the engine is not installed: the test has then been skipped. */
type DatabaseFor = (t: TestContext) => Promise<NonNullable<TestConfig['database']> | undefined>

const engines: [string, DatabaseFor][] = [
  ['SQLite', async () => ({})],
  ['MariaDB', async (t) => inMariaDb(await startMariaDb(t))],
]

function inMariaDb(started: MariaDb | undefined): NonNullable<TestConfig['database']> | undefined {
  return started && { client: 'mysql', connection: started.connection }
}

for (const [engine, databaseFor] of engines) {
  describe(`a one-to-one message, on ${engine}`, () => {
    test('to an online user: IN-pre(S), OUT-pre(R), OUT-post(R), IN-post(S), then one row in ofChatLog', async (t) => {
      const database = await databaseFor(t)
      if (!database) return
      const { server, recorder, rows } = await verona(t, database)
      const romeo = await server.login('romeo', { resource: 'Smack' })
      const juliet = await server.login('juliet', { resource: 'Smack' })
      romeo.send('<message to="juliet@test" id="8akb9-76" type="chat"><body>i am a student.</body><thread>20b6</thread></message>')
      await juliet.expect(
        '<message from="romeo@test/Smack" to="juliet@test" id="8akb9-76" type="chat"><body>i am a student.</body><thread>20b6</thread></message>',
      )
      await romeo.sync()
      openfireSequence(recorder).toOnline(romeo, juliet)
      assert.equal((await rows('ofOffline')).length, 0)
      const [logged, ...others] = await rows('ofChatLog')
      assert.equal(others.length, 0)
      assert.equal(logged?.content, 'i am a student.')
      assert.deepEqual([logged?.sender, logged?.receiver, logged?.sessionJID], ['romeo@test', 'juliet@test', 'juliet@test/Smack'])
    })

    test('to an absent user: IN-pre(S), IN-post(S); at login OUT-pre(R), OUT-post(R) with a delay stamp; logged only then', async (t) => {
      const database = await databaseFor(t)
      if (!database) return
      const { server, recorder, rows } = await verona(t, database)
      await server.accounts.create({ username: 'juliet', password: 'juliet' })
      const romeo = await server.login('romeo', { resource: 'Smack' })
      romeo.send('<message to="juliet@test" id="8akb9-36" type="chat"><body>hello, abcdefg</body></message>')
      await romeo.sync()
      openfireSequence(recorder).toAbsent(romeo)
      assert.equal((await rows('ofOffline')).length, 1)
      assert.equal((await rows('ofChatLog')).length, 0)

      const juliet = await server.login('juliet', { resource: 'Smack' })
      const received = await juliet.receive('message')
      const delay = received.getChild('delay', NS.delay)
      assert.equal(delay?.attrs.from, 'test')
      assert.match(delay?.attrs.stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      assert.ok(recorder.crossings.every((it) => it.packet.includes('urn:xmpp:delay')))
      openfireSequence(recorder).atLogin(juliet)
      await server.stop() // everything that was to be written has been
      const again = await tablesOf(t, server.dataFolder, database)
      assert.equal((await again('ofOffline')).length, 0)
      assert.deepEqual(
        (await again('ofChatLog')).map((it) => it.content),
        ['hello, abcdefg'],
      )
    })
  })
}

/** The tables of a stopped server. */
async function tablesOf(t: TestScope, dataFolder: string, database: NonNullable<TestConfig['database']>) {
  const server = await startTestServer(t, { plugins: [], config: { dataFolder }, database })
  return (table: string) => server.database.forPlugin('test').knex(table).select<Record<string, unknown>[]>()
}

test('a rejection at IN-pre answers the sender with the error and text of the interceptor, and nothing is delivered', async (t) => {
  const guard = plugin('guard', {
    band: 'guard',
    when: { incoming: true, processed: false, stanza: 'message' },
    interceptPacket: ({ packet }) => {
      if (packet.kind === 'message' && packet.body === 'secret') throw new PacketRejected({ condition: 'policy-violation', text: 'Not that word.' })
    },
  })
  const { server } = await verona(t, undefined, guard)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const transcript = server.transcript({ romeo, juliet })
  romeo.send('<message to="juliet@test" id="1" type="chat"><body>secret</body></message>')
  await romeo.sync()
  const errors = NS.stanzaErrors
  transcript.assert(`
    romeo C: <message to="juliet@test" id="1" type="chat"><body>secret</body></message>
    romeo S: <message from="juliet@test" to="*" id="1" type="error"><body>secret</body><error type="modify"><policy-violation xmlns="${errors}"/><text xmlns="${errors}" xml:lang="en">Not that word.</text></error></message>`)
  await juliet.receiveNothing('message')
})

test('a rewrite for one recipient reaches neither another recipient nor the second pass of the sender', async (t) => {
  const marked = plugin('mark', {
    band: 'transform',
    when: { incoming: false, processed: false, stanza: 'message' },
    interceptPacket: ({ packet, session }) => {
      if (packet.kind === 'message' && session.jid.resource === 'one') packet.body = 'rewritten'
    },
  })
  const { server, recorder } = await verona(t, undefined, marked)
  const romeo = await server.login('romeo')
  const [one, two] = [await server.login('juliet', { resource: 'one' }), await server.login('juliet', { resource: 'two' })]
  romeo.send('<message to="juliet@test" type="chat"><body>original</body></message>')
  assert.equal((await one.receive('message')).getChildText('body'), 'rewritten')
  assert.equal((await two.receive('message')).getChildText('body'), 'original')
  await romeo.sync()
  assert.match(recorder.crossings.at(-1)?.packet ?? '', /original/)
})

test('a stanza to the server itself gets its second pass too', async (t) => {
  const recorder = recordInterceptor({ stanza: 'iq' })
  const server = await startTestServer(t, { plugins: [ping, recorder.plugin] })
  const romeo = await server.login('romeo', { resource: 'a', available: false })
  recorder.clear()
  await romeo.request('<iq type="get" id="1" to="test"><ping xmlns="urn:xmpp:ping"/></iq>')
  await romeo.request('<iq type="get" id="2" to="test"><nobody xmlns="urn:nobody"/></iq>')
  const four = ['IN-pre romeo@test/a', 'OUT-pre romeo@test/a', 'OUT-post romeo@test/a', 'IN-post romeo@test/a']
  openfireSequence(recorder).is([...four, ...four])
})

test('stanzas of one session stay in order though an interceptor takes its time with some', async (t) => {
  const slow = plugin('slow', {
    band: 'transform',
    when: { incoming: true, processed: false, stanza: 'message' },
    interceptPacket: async ({ packet }) => {
      if (packet.kind === 'message' && Number(packet.body) % 3 === 0) await new Promise(setImmediate)
    },
  })
  const { server } = await verona(t, undefined, slow)
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  for (let i = 0; i < 100; i++) romeo.send(`<message to="juliet@test" type="chat"><body>${i}</body></message>`)
  for (let i = 0; i < 100; i++) assert.equal((await juliet.receive('message')).getChildText('body'), String(i))
})

test('live messages do not overtake those that were kept while the user was away', async (t) => {
  const { server } = await verona(t)
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  for (let i = 0; i < 250; i++) romeo.send(`<message to="juliet@test" type="chat"><body>${i}</body></message>`)
  await romeo.sync()
  const juliet = await server.login('juliet', { available: false })
  juliet.send('<presence/>')
  for (let i = 250; i < 300; i++) romeo.send(`<message to="juliet@test" type="chat"><body>${i}</body></message>`)
  for (let i = 0; i < 300; i++) assert.equal((await juliet.receive('message')).getChildText('body'), String(i))
})

function plugin(name: string, interceptor: Omit<PacketInterceptor, 'name'>): AnyPlugin {
  return definePlugin({ name, version: '1.0.0', setup: () => ({ interceptors: [{ name, ...interceptor }] }) })
}
