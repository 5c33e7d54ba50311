/** Kept messages and clients that acknowledge less than they get, over sockets: what follows, what is removed, who else gets them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodies, chat, LaggingClient, mailbox, numbers } from '../../test/support/kept-messages.js'

const NOTHING = { upTo: 0 }
const PATIENCE_MS = 5000

test('live messages follow kept ones at once, though the client leaves the last it got out of its count', async (t) => {
  const { server, romeo, keeps } = await mailbox(t, 10)
  const { client } = await LaggingClient.login(server, 'balcony', { behind: 2 })
  assert.deepEqual(await bodies(client, 10), numbers(0, 10))
  // The clock stands still: nothing here has waited long enough.
  for (const text of ['live', 'and', 'well']) romeo.send(chat(text))
  assert.deepEqual(await bodies(client, 3), ['live', 'and', 'well'])
  await keeps(0) // what came later took the count past them
})

test('a client that acknowledges nothing at all gets page after page, then what is live, and nothing is removed', async (t) => {
  const { server, romeo, kept } = await mailbox(t, 250)
  const { client } = await LaggingClient.login(server, 'balcony', NOTHING)
  assert.deepEqual(await bodies(client, 200), numbers(0, 200))
  await client.receiveNothing('message')
  await server.clock.advance(PATIENCE_MS)
  assert.deepEqual(await bodies(client, 50), numbers(200, 250))
  romeo.send(chat('live'))
  assert.deepEqual(await bodies(client, 1), ['live'])
  assert.deepEqual(await kept(), numbers(0, 250))

  const again = await server.login('juliet', { resource: 'balcony' }) // takes the place of the other
  assert.deepEqual(await bodies(again, 250), numbers(0, 250))
  assert.deepEqual(await bodies(again, 1), ['live'])
})

test('a mailbox of many pages does not wait for a client that is always a few behind', async (t) => {
  const { server, kept, keeps } = await mailbox(t, 500)
  const lagging = await LaggingClient.login(server, 'balcony', { behind: 7 })
  assert.deepEqual(await bodies(lagging.client, 500), numbers(0, 500))
  await keeps(100)
  assert.deepEqual(await kept(), numbers(400, 500))
  lagging.acknowledgeAll()
  await keeps(0)
})

test('what a session has acknowledged is removed at its end, what it has not stays for the next', async (t) => {
  const { server, romeo, kept, keeps } = await mailbox(t, 10)
  const { client } = await LaggingClient.login(server, 'balcony', { upTo: 7 })
  await bodies(client, 10)
  await client.sync()
  assert.deepEqual(await kept(), numbers(0, 10))
  client.drop()
  await client.closed
  await keeps(3)
  romeo.send(chat('later'))
  const next = await server.login('juliet')
  assert.deepEqual(await bodies(next, 4), [...numbers(7, 10), 'later'])
  await keeps(0)
})

test('another resource is not given what the first was handed a moment ago; when that ends it gets what nobody acknowledged', async (t) => {
  const { server, keeps } = await mailbox(t, 10)
  const lag = { upTo: 6 }
  const [first, second] = await Promise.all([LaggingClient.login(server, 'a', lag), LaggingClient.login(server, 'b', lag)])
  const isTaker = ({ client }: LaggingClient) => client.received.some((el) => el.getName() === 'message')
  while (!isTaker(first) && !isTaker(second)) await new Promise(setImmediate)
  const [taker, other] = isTaker(first) ? [first, second] : [second, first]
  assert.deepEqual(await bodies(taker.client, 10), numbers(0, 10))
  await other.client.receiveNothing('message')
  await taker.client.sync()
  taker.client.drop()
  assert.deepEqual(await bodies(other.client, 4), numbers(6, 10))
  await keeps(0)
})

test('what the first resource gives no sign of having got, the second gets after some seconds, and each only once', async (t) => {
  const { server, keeps } = await mailbox(t, 10)
  const first = await LaggingClient.login(server, 'a', NOTHING)
  await bodies(first.client, 10)
  const second = await LaggingClient.login(server, 'b', NOTHING)
  await second.client.receiveNothing('message')
  await server.clock.advance(PATIENCE_MS)
  assert.deepEqual(await bodies(second.client, 10), numbers(0, 10))
  for (const { client } of [first, second]) {
    client.send('<presence><priority>-1</priority></presence>')
    client.send('<presence><priority>1</priority></presence>')
    await client.receiveNothing('message')
  }
  second.acknowledgeAll()
  await keeps(0)
})

test('what a client is a little behind with, others do not get for a while, and never what it has acknowledged', async (t) => {
  const { server, kept, keeps } = await mailbox(t, 10)
  const first = await LaggingClient.login(server, 'a', { upTo: 8 })
  await bodies(first.client, 10)
  await first.client.sync()
  await server.clock.advance(2 * PATIENCE_MS)
  const second = await server.login('juliet', { resource: 'b' })
  await second.receiveNothing('message')
  await keeps(2)
  assert.deepEqual(await kept(), ['8', '9'])
  await server.clock.advance(60_000)
  assert.deepEqual(await bodies(second, 2), ['8', '9'])
  await keeps(0)
})

test('a session that is resumed has its messages removed when it acknowledges them, and gets none of them from the store again', async (t) => {
  const { server, romeo, kept, keeps } = await mailbox(t, 10)
  const lagging = await LaggingClient.login(server, 'balcony', { upTo: 6, mayResume: true })
  await bodies(lagging.client, 10)
  await lagging.client.sync()
  lagging.client.drop()
  await lagging.client.closed
  await lagging.resume(server)
  assert.deepEqual(await bodies(lagging.client, 4), numbers(6, 10))
  lagging.client.send('<presence><priority>-1</priority></presence>')
  lagging.client.send('<presence/>')
  romeo.send(chat('live'))
  assert.deepEqual(await bodies(lagging.client, 1), ['live'])
  assert.deepEqual(await kept(), numbers(0, 10))
  lagging.acknowledgeAll()
  await keeps(0)
})
