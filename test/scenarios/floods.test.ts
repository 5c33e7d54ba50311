/** Peers who send too much or come in too great a number: they are slowed down, then closed, and the others hardly notice. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startTestServer, type TestClient, type TestScope } from '@beaconfire/plugin-sdk/testing'
import ping from '../../plugins/ping/index.js'

const start = (t: TestScope, limits: object) =>
  startTestServer(t, { plugins: [ping], config: { limits: { enabled: true, stanzasPerSecond: 20, bytesPerSecond: 20_000, ...limits } } })

const PING = '<iq type="get" to="test" id="p"><ping xmlns="urn:xmpp:ping"/></iq>'

/** Sends without a pause, as fast as the socket takes it, until the stream has ended. */
async function flood(client: TestClient): Promise<{ readonly error?: string }> {
  const tick = setInterval(() => client.send(`<message to="nobody@elsewhere.example"><body>${'x'.repeat(1000)}</body></message>`.repeat(20)), 20)
  try {
    return await client.closed
  } finally {
    clearInterval(tick)
  }
}

test('a client that floods is read more slowly, then closed with policy-violation, while another is answered at once', async (t) => {
  const server = await start(t, { floodSeconds: 2 })
  const [mallory, romeo] = [await server.login('mallory'), await server.login('romeo')]
  const flooding = flood(mallory)
  let slowest = 0
  let answers = 0
  let isFlooding = true
  const ended = flooding.finally(() => {
    isFlooding = false
  })
  while (isFlooding) {
    const began = performance.now()
    await romeo.request(PING)
    slowest = Math.max(slowest, performance.now() - began)
    answers++
    await Promise.race([ended, wait(100)]) // so that this client keeps to its own limit
  }
  assert.deepEqual(await flooding, { error: 'policy-violation' })
  assert.ok(answers > 10, `only ${answers} answers`)
  assert.ok(slowest < 1000, `an answer took ${slowest} ms`)
})

test('a client that sends a burst and then rests is not closed', async (t) => {
  const server = await start(t, { floodSeconds: 1 })
  const romeo = await server.login('romeo')
  romeo.send(PING.repeat(100))
  for (let answer = 0; answer < 100; answer++) await romeo.receive('iq')
  assert.equal((await romeo.request(PING)).attrs.type, 'result')
})

test('of connections that do not log in only so many are kept, and who has logged in goes on', async (t) => {
  const server = await start(t, { unauthenticatedPerAddress: 50, preAuthenticationSeconds: 1 })
  const romeo = await server.login('romeo')
  const idlers = Array.from({ length: 200 }, () => connect(server.ports.c2s, '127.0.0.1'))
  t.after(() => {
    for (const it of idlers) it.destroy()
  })
  const ends = new EventEmitter()
  let refused = 0
  for (const it of idlers) void ended(it).then(() => ends.emit('end', ++refused))
  const atLeast = async (count: number) => {
    while (refused < count) await once(ends, 'end')
  }
  await atLeast(149) // romeo's own may still be counted
  assert.equal((await romeo.request(PING)).attrs.type, 'result')
  await atLeast(200) // those that were kept have not logged in in time
  const juliet = await server.login('juliet')
  assert.equal((await juliet.request(PING)).attrs.type, 'result')
})

function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {}) // a reset is an end, too
    socket.on('close', () => resolve())
    socket.on('end', () => socket.destroy())
    socket.resume()
  })
}
