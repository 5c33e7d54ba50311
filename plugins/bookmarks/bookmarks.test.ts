/** What is not published twice, and the end of the plugin; what old and new clients see is in test/conformance/xep-0402.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NS } from '@beaconfire/plugin-sdk'
import { serviceUser, startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import bookmarks from './index.js'

/** A server, and what is published and retracted in nodes from now on. */
async function start(t: TestScope) {
  const user = serviceUser('pep')
  const plugins = ['roster', 'presence', 'disco', 'caps', 'pubsub', 'private-storage', bookmarks, user.plugin]
  const server = await startTestServer(t, { plugins, database: 'memory' })
  const changes: string[] = []
  user.services.pep.onChange(({ node, published }) => void (node === NS.bookmarks && changes.push(...published)))
  return { server, changes, juliet: await server.login('juliet') }
}

const room = (jid: string, name: string, autojoin: string) => `<conference jid='${jid}' name='${name}' autojoin='${autojoin}'/>`
const store = (client: TestClient, ...rooms: readonly string[]) =>
  client.request(`<iq type='set'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>${rooms.join('')}</storage></query></iq>`)
const stored = async (client: TestClient) =>
  String(await client.request("<iq type='get'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>"))

test('of what an old client stores again only what has changed is published, however a boolean is written', async (t) => {
  const { changes, juliet } = await start(t)
  await store(juliet, room('a@rooms', 'A', '1'), room('b@rooms', 'B', '1'))
  assert.deepEqual(changes.splice(0), ['a@rooms', 'b@rooms'])
  await store(juliet, room('a@rooms', 'A', 'true'), room('b@rooms', 'Bee', '1'))
  assert.deepEqual(changes, ['b@rooms'])
})

test('of two bookmarks of one room the last one counts', async (t) => {
  const { juliet } = await start(t)
  await store(juliet, room('a@rooms', 'first', '1'), room('A@ROOMS', 'last', '1'))
  const answer = await stored(juliet)
  assert.match(answer, /name="last"/)
  assert.doesNotMatch(answer, /name="first"/)
})

test('when the plugin goes, an old client reads what it has stored, and what it stores is published no more', async (t) => {
  const { server, changes, juliet } = await start(t)
  await store(juliet, room('a@rooms', 'A', '1'))
  changes.length = 0
  await server.plugins.unload('bookmarks')
  assert.match(await stored(juliet), /jid="a@rooms"/)
  await store(juliet, room('c@rooms', 'C', '1'))
  assert.deepEqual(changes, [])
  assert.match(await stored(juliet), /jid="c@rooms"/)
})
