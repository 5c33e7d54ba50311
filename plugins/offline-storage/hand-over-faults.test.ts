/** Kept messages that were handed over and not acknowledged, when the database fails, the plugin is reloaded, or the server is killed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { element } from '@beaconfire/plugin-sdk'
import { bodies, chat, LaggingClient, mailbox, numbers } from '../../test/support/kept-messages.js'
import { startServerProcess } from '../../test/support/server-process.js'

const RETRY_MS = 3000

test('what has arrived and cannot be removed is removed when the database is well again, and nobody gets it before', async (t) => {
  const { server, romeo, kept, keeps } = await mailbox(t, 150)
  const lagging = await LaggingClient.login(server, 'a', { upTo: 120 })
  await bodies(lagging.client, 150)
  await keeps(50) // the first page has arrived, of the second a part
  const fault = server.breakDatabase({ plugin: 'offline-storage', fail: new Error('disk full') })
  lagging.acknowledgeAll()
  while (fault.hits === 0) await lagging.client.sync()
  romeo.send(chat('live'))
  assert.deepEqual(await bodies(lagging.client, 1), ['live'])
  await server.clock.advance(RETRY_MS)
  fault.mend()
  assert.deepEqual(await kept(), numbers(100, 150))
  const second = await server.login('juliet', { resource: 'b' })
  await second.receiveNothing('message')
  await server.clock.advance(RETRY_MS)
  await keeps(0)
})

test('what a session had acknowledged when it ended is removed though the database was away then', async (t) => {
  const { server, kept, keeps } = await mailbox(t, 10)
  const lagging = await LaggingClient.login(server, 'a', { upTo: 6 })
  await bodies(lagging.client, 10)
  await lagging.client.sync()
  const fault = server.breakDatabase({ plugin: 'offline-storage', fail: new Error('disk full') })
  lagging.client.drop()
  await lagging.client.closed
  while (fault.hits === 0) await new Promise(setImmediate)
  fault.mend()
  const next = await server.login('juliet', { resource: 'b' })
  assert.deepEqual(await bodies(next, 4), numbers(6, 10))
  await keeps(6)
  assert.deepEqual(await kept(), numbers(0, 6))
  await server.clock.advance(RETRY_MS)
  await keeps(0)
})

test('what a session has acknowledged in part does not wait for the rest', async (t) => {
  const { server, kept, keeps } = await mailbox(t, 10)
  const { client } = await LaggingClient.login(server, 'a', { upTo: 6 })
  await bodies(client, 10)
  await client.sync()
  await server.clock.advance(6000)
  await keeps(4)
  assert.deepEqual(await kept(), numbers(6, 10))
})

test('a reload of the plugin forgets nothing that is on its way', async (t) => {
  const { server, kept, keeps } = await mailbox(t, 10)
  const lagging = await LaggingClient.login(server, 'a', { upTo: 6 })
  await bodies(lagging.client, 10)
  await server.plugins.reload('offline-storage')
  const second = await server.login('juliet', { resource: 'b' })
  lagging.client.send('<presence><priority>-1</priority></presence>')
  lagging.client.send('<presence/>')
  await lagging.client.receiveNothing('message')
  await second.receiveNothing('message')
  assert.deepEqual(await kept(), numbers(0, 10))
  lagging.client.drop()
  assert.deepEqual(await bodies(second, 4), numbers(6, 10))
  await keeps(0)
  await second.receiveNothing('message')
})

test('kept messages count to the quota until they are acknowledged, and not after', async (t) => {
  const plugins = { settings: { 'offline-storage': { policy: 'store_and_bounce', quotaBytes: 1000 } } }
  const { server, romeo, keeps } = await mailbox(t, 4, { config: { plugins } })
  const lagging = await LaggingClient.login(server, 'a', { upTo: 0 })
  await bodies(lagging.client, 4)
  lagging.client.send('<presence type="unavailable"/>')
  await lagging.client.sync()
  const long = 'x'.repeat(700)
  romeo.send(chat(long))
  assert.equal((await romeo.receive('message')).attrs.type, 'error')
  lagging.acknowledgeAll()
  await keeps(0)
  // Answered behind the removal, which the plugin then knows of.
  await server.database.forPlugin('offline-storage').transaction(async (trx) => void (await trx('ofOffline').delete()))
  romeo.send(chat(long))
  await romeo.receiveNothing('message')
  await keeps(1)
})

test('large messages do not wait for a client that is always behind, and one that acknowledges nothing gets them slowly', async (t) => {
  const { server, romeo, keeps } = await mailbox(t, 0)
  const large = Array.from({ length: 40 }, (_, at) => `${at}${'x'.repeat(6000)}`)
  for (const text of large) romeo.send(chat(text))
  await keeps(40)
  const lagging = await LaggingClient.login(server, 'a', { behind: 2 })
  assert.deepEqual(await bodies(lagging.client, 40), large)
  lagging.client.drop() // all it had acknowledged is removed
  await keeps(2)
  for (const text of large) romeo.send(chat(text))
  await keeps(42)
  const { client } = await LaggingClient.login(server, 'b', { upTo: 0 })
  const came = () => client.received.filter((el) => el.getName() === 'message').length
  await bodies(client, 7)
  await client.sync()
  assert.ok(came() <= 8)
  await server.clock.advance(5000)
  await bodies(client, 4)
  await client.sync()
  assert.ok(came() <= 16)
})

test('killed with SIGKILL, the server hands over again what it had not removed, and nothing that nobody had acknowledged is lost', async (t) => {
  const first = await startServerProcess(t)
  await first.createUsers('romeo', 'juliet')
  const romeo = await first.login('romeo', 'phone')
  for (let i = 0; i < 130; i++) romeo.send(element('message', { to: 'juliet@localhost', type: 'chat' }, element('body', {}, String(i))))
  await romeo.sync()
  const lagging = await LaggingClient.enable(await first.login('juliet', 'phone'), { upTo: 120 })
  await bodies(lagging.client, 130)
  await lagging.client.sync()
  const total = async () => ((await (await first.admin('/api/v1/plugins/offline-storage/total')).json()) as { messages: number }).messages
  while ((await total()) > 30);
  await first.kill()

  const second = await startServerProcess(t, { folder: first.folder })
  const juliet = await second.login('juliet', 'phone')
  juliet.send('<presence/>')
  assert.deepEqual(await bodies(juliet, 30), numbers(100, 130))
  await juliet.receiveNothing('message')
})
