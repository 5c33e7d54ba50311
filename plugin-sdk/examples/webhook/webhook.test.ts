import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { definePlugin } from '@beaconfire/plugin-sdk'
import { onBothEngines, startTestServer, type TestConfig, type TestServer } from '@beaconfire/plugin-sdk/testing'
import { waitAfter } from './back-off.js'
import { checkTarget } from './config.js'
import webhook from './index.js'
import { isSignedBy, SIGNATURE_HEADER, signatureOf } from './signature.js'

const API = '/api/v1/plugins/webhook'
const SECRET = 'secret of sixteen'
const fast = { secret: SECRET, lingerMs: 0, firstRetryMs: 1, longestRetryMs: 5 }

interface Taken {
  readonly bodies: string[]
  readonly signature: string
}

/** A service that answers with the given statuses, the last one for ever, and gives each batch as it came. */
async function receiver(t: TestContext, ...statuses: number[]) {
  const batches: Taken[] = []
  const waiting: (() => void)[] = []
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const signature = String(request.headers[SIGNATURE_HEADER])
      assert.ok(isSignedBy(SECRET, signature, text, Date.now() / 1000), signature)
      const { events } = JSON.parse(text) as { events: { body: string }[] }
      batches.push({ bodies: events.map((it) => it.body), signature })
      response.writeHead((statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200, { location: '/elsewhere' }).end('thank you')
      for (const look of waiting) look()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close().closeAllConnections())
  const until = (isDone: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => isDone() && resolve()
      waiting.push(look)
      look()
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    batches,
    answerWith: (...next: number[]) => statuses.splice(0, statuses.length, ...next),
    received: (count: number) => until(() => batches.length >= count),
    /** Resolves when this was said in some batch. */
    heard: (body: string) => until(() => batches.some((it) => it.bodies.includes(body))),
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const start = (t: TestContext, settings: object, more: TestConfig = {}) =>
  startTestServer(t, { plugins: [webhook], config: { ...more, plugins: { settings: { webhook: { ...fast, ...settings } } } } })

async function speaker(server: TestServer) {
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  return (...bodies: string[]) => {
    for (const body of bodies) romeo.send(`<message to="${juliet.jid}" type="chat" id="m"><body>${body}</body></message>`)
    return romeo.sync()
  }
}

const status = async (server: TestServer) =>
  (await (await server.admin(`${API}/status`)).json()) as { waiting: number; dead: number; failures: number; lastError?: string }

/** Resolves when nothing waits any more: the answer of the receiver was taken to the table. */
async function settled(server: TestServer, dead = 0): Promise<void> {
  for (;;) {
    const it = await status(server)
    if (it.waiting === 0 && it.dead === dead) return
  }
}

test('messages are sent in signed batches and in order, and what is no message for it is not', async (t) => {
  const hook = await receiver(t, 200)
  const server = await start(t, { url: hook.url, lingerMs: 30, batchSize: 2 })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const say = (content: string, type = 'chat') => romeo.send(`<message to="${juliet.jid}" type="${type}" id="m1">${content}</message>`)
  say('<body>one</body><subject>s</subject><thread>t</thread>')
  say('<body>hidden</body><no-store xmlns="urn:xmpp:hints"/>')
  say('<active xmlns="http://jabber.org/protocol/chatstates"/>')
  say('<body>headline</body>', 'headline')
  say('<body>two</body>')
  say('<body>three</body>')
  await hook.heard('three')
  assert.deepEqual(
    hook.batches.flatMap((it) => it.bodies),
    ['one', 'two', 'three'],
  )
  assert.ok(hook.batches.every((it) => it.bodies.length <= 2))
  await settled(server)
  assert.match(await (await server.admin('/metrics')).text(), /^beaconfire_webhook_sent_total 3$/m)
})

test('a batch that is not taken is sent again, before what came later', async (t) => {
  const hook = await receiver(t, 503, 302, 404, 200)
  const server = await start(t, { url: hook.url, batchSize: 1 })
  const say = await speaker(server)
  await say('one', 'two')
  await hook.heard('two')
  assert.deepEqual(
    hook.batches.map((it) => it.bodies),
    [['one'], ['one'], ['one'], ['one'], ['two']],
  )
  await settled(server)
  assert.equal((await status(server)).failures, 0)
})

onBothEngines((newDatabase) => {
  test('what was given up is a dead letter, which is listed, sent again or deleted', async (t) => {
    const hook = await receiver(t, 500)
    const server = await start(t, { url: hook.url, maxAttempts: 2, batchSize: 1 }, { database: await newDatabase() })
    const say = await speaker(server)
    await say('one', 'two')
    await settled(server, 2)
    const { items } = (await (await server.admin(`${API}/dead`)).json()) as {
      items: { id: number; attempts: number; error: string; event: { body: string; from: string } }[]
    }
    assert.deepEqual(
      items.map((it) => [it.event.body, it.attempts, it.error]),
      [
        ['one', 2, 'the receiver answered with status 500'],
        ['two', 2, 'the receiver answered with status 500'],
      ],
    )
    const page = (await (await server.admin(`${API}/dead?limit=1`)).json()) as { items: object[]; nextCursor: number }
    assert.deepEqual([page.items.length, page.nextCursor], [1, items[0]?.id])
    hook.answerWith(200)
    const post = (path: string, method = 'POST') => server.admin(`${API}${path}`, { method })
    assert.equal((await post(`/dead/${items[1]?.id}`, 'DELETE')).status, 204)
    assert.deepEqual(await (await post(`/dead/${items[0]?.id}/resend`)).json(), { resent: 1 })
    await settled(server)
    assert.deepEqual(hook.batches.at(-1)?.bodies, ['one'])
    assert.deepEqual(await (await post('/dead/resend')).json(), { resent: 0 })
    for (const path of ['/dead/999/resend', `/dead/${items[0]?.id}/resend`]) assert.equal((await post(path)).status, 404)
  })
})

test('what waits is sent by the next version and after a restart', async (t) => {
  const hook = await receiver(t, 503)
  const first = await start(t, { url: hook.url, longestRetryMs: 3_600_000, firstRetryMs: 3_600_000 })
  const say = await speaker(first)
  await say('one')
  await hook.received(1)
  await first.plugins.reload('webhook')
  await hook.received(2)
  await first.stop()
  hook.answerWith(200)
  const second = await start(t, { url: hook.url }, { dataFolder: first.dataFolder })
  await settled(second)
  assert.deepEqual(hook.batches.at(-1)?.bodies, ['one'])
})

test('so is what the version before queues after the next one has begun', { timeout: 20_000 }, async (t) => {
  const hook = await receiver(t, 200)
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const holds = definePlugin({
    name: 'holds',
    version: '1.0.0',
    setup: () => ({
      interceptors: [{ name: 'message', band: 'guard', when: { stanza: 'message', incoming: true, processed: false }, interceptPacket: () => gate }],
    }),
  })
  const server = await startTestServer(t, {
    plugins: [webhook, holds],
    clock: 'virtual',
    config: { plugins: { settings: { webhook: { ...fast, url: hook.url, lingerMs: 60_000 } } } },
  })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  romeo.send(`<message to="${juliet.jid}" type="chat"><body>one</body></message>`)
  const isHeld = async () => {
    const { items } = (await (await server.admin('/api/v1/interceptors?plugin=holds')).json()) as { items: { calls: number }[] }
    return items[0]?.calls === 1
  }
  while (!(await isHeld()));
  const reloaded = server.plugins.reload('webhook')
  while (server.plugins.find('webhook')?.reloads !== 1) await new Promise(setImmediate)
  goOn()
  await reloaded
  await juliet.receive('message')
  assert.equal(hook.batches.length, 0)
  while (hook.batches.length === 0) await server.clock.advance(1000)
  await hook.heard('one')
})

test('a receiver that never answers slows no message, and neither does a table that cannot be written', async (t) => {
  const hook = createServer()
  hook.listen(0, '127.0.0.1')
  await once(hook, 'listening')
  t.after(() => void hook.close().closeAllConnections())
  const server = await start(t, { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet')]
  const asked = once(hook, 'request')
  const say = async (body: string) => {
    romeo.send(`<message to="${juliet.jid}" type="chat"><body>${body}</body></message>`)
    assert.equal((await juliet.receive('message')).getChildText('body'), body)
  }
  await say('one')
  await asked
  await say('two')
  server.breakDatabase({ plugin: 'webhook', fail: new Error('disk full') })
  await say('three')
  assert.match(await (await server.admin('/metrics')).text(), /^beaconfire_webhook_lost_total 1$/m)
})

describe('parts', () => {
  test('waits double up to the longest, and are up to a fifth shorter by chance', () => {
    const waits = (random: number) => [1, 2, 3, 9, 1000].map((it) => waitAfter(it, { firstRetryMs: 1000, longestRetryMs: 60_000 }, random))
    assert.deepEqual(waits(0), [1000, 2000, 4000, 60_000, 60_000])
    assert.deepEqual(waits(1), [800, 1600, 3200, 48_000, 48_000])
  })

  test('a signature is of one key, one body and one time', () => {
    const header = signatureOf(SECRET, 1000, '{}')
    assert.ok(isSignedBy(SECRET, header, '{}', 1200))
    for (const [secret, signature, body, now] of [
      ['another secret of mine', header, '{}', 1000],
      [SECRET, header, '{ }', 1000],
      [SECRET, header, '{}', 1400],
      [SECRET, header.replace('t=1000', 't=1001'), '{}', 1000],
      [SECRET, 'nonsense', '{}', 1000],
    ] as const) {
      assert.equal(isSignedBy(secret, signature, body, now), false)
    }
  })

  test('a target that cannot be is refused by name', () => {
    checkTarget({ url: '', secret: '' })
    assert.throws(() => checkTarget({ url: 'ftp://x', secret: SECRET }), /webhook\.url must be an http/)
    assert.throws(() => checkTarget({ url: 'https://a:b@x', secret: SECRET }), /must not hold a password/)
    assert.throws(() => checkTarget({ url: 'https://x', secret: 'short' }), /webhook\.secret/)
  })
})
