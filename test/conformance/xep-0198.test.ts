/** Stream management (XEP-0198) over sockets: acknowledgements both ways, resumption, and what becomes of what nobody acknowledged. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { definePlugin, type Element, element, NS } from '@beaconfire/plugin-sdk'
import { errorCondition, startTestServer, TestClient, type TestServer, type TestStream } from '@beaconfire/plugin-sdk/testing'

const SM = NS.streamManagement
const isManagement = (name: string) => (el: Element) => el.is(name, SM)
const chat = (to: string, body: string) => element('message', { to, type: 'chat', id: body }, element('body', {}, body))
const bodyOf = (el: Element) => el.getChildText('body')

/** Sends `<r/>` and reads the answer. */
async function handledBy(client: TestClient): Promise<number> {
  client.send(element('r', { xmlns: SM }))
  return Number((await client.receive(isManagement('a'))).attrs.h)
}

async function enable(client: TestClient, attributes: Record<string, string> = { resume: 'true' }): Promise<Element> {
  client.send(element('enable', { xmlns: SM, ...attributes }))
  return client.receive((el) => el.getNS() === SM && el.getName() !== 'r')
}

/** A stream that has authenticated and not bound a resource. */
async function authenticated(server: TestServer, name: string, options: { tls?: boolean } = {}): Promise<TestStream> {
  const stream = await server.connect(options)
  await stream.open()
  await stream.authenticate('PLAIN', name, name)
  await stream.open()
  return stream
}

async function resume(server: TestServer, name: string, previd: string, h: number, options: { tls?: boolean } = {}): Promise<[TestStream, Element]> {
  const stream = await authenticated(server, name, options)
  stream.send(element('resume', { xmlns: SM, previd, h }))
  return [stream, await stream.receive((el) => el.getNS() === SM || el.getName() === 'error')]
}

async function lost(server: TestServer, client: TestClient): Promise<void> {
  client.drop()
  await client.closed
  await until(async () => (await metric(server, 'sessions_waiting')) > 0)
}

/** Each sees the other's presence. */
async function befriend(one: TestClient, other: TestClient): Promise<void> {
  for (const [asking, asked] of [
    [one, other],
    [other, one],
  ] as const) {
    asking.send(element('presence', { to: asked.jid.bare().toString(), type: 'subscribe' }))
    await asked.receive((el) => el.is('presence') && el.attrs.type === 'subscribe')
    asked.send(element('presence', { to: asking.jid.bare().toString(), type: 'subscribed' }))
    await asking.receive((el) => el.is('presence') && el.attrs.type === undefined)
  }
}

async function metric(server: TestServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.adminToken}` } })).text()
  return Number(new RegExp(`^\\S*${name}\\S* (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate)
}

test('the server offers stream management after authentication, and counts what it has handled', async (t) => {
  const server = await startTestServer(t)
  await server.login('romeo')
  const stream = await server.connect()
  const before = await stream.open()
  await stream.authenticate('PLAIN', 'romeo', 'romeo')
  const features = await stream.open()
  assert.deepEqual([before.getChild('sm', SM), features.getChild('sm', SM)?.getName()], [undefined, 'sm'])
  const romeo = new TestClient(stream, await stream.bind())
  const enabled = await enable(romeo, {})
  assert.deepEqual([enabled.getName(), enabled.attrs.resume, enabled.attrs.id], ['enabled', undefined, undefined])
  assert.equal(await handledBy(romeo), 0)
  romeo.send('<presence/>')
  romeo.send(chat('romeo@test', '1'))
  assert.equal(await handledBy(romeo), 2)
})

test('unacknowledged stanzas come again in order after a lost connection, and presence was never gone', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await befriend(romeo, juliet)
  const { id, max, resume: may } = (await enable(juliet)).attrs
  assert.deepEqual([may, max], ['true', '300'])
  assert.ok(id.length >= 22)
  romeo.send(chat('juliet@test/balcony', '1'))
  await juliet.receive('message')
  romeo.send(chat('juliet@test/balcony', '2'))
  await juliet.receive('message')
  await lost(server, juliet)
  assert.equal(server.sessions.get(juliet.jid)?.isAvailable, true)
  romeo.send(chat('juliet@test', '3'))
  romeo.send(chat('juliet@test/balcony', '4'))
  await romeo.receiveNothing('message')

  const [stream, answer] = await resume(server, 'juliet', id, 1)
  assert.deepEqual([answer.getName(), answer.attrs.previd, answer.attrs.h], ['resumed', id, '0'])
  const again = new TestClient(stream, juliet.jid)
  const messages = [await again.receive('message'), await again.receive('message'), await again.receive('message')]
  assert.deepEqual(messages.map(bodyOf), ['2', '3', '4'])
  assert.ok(messages[1]?.getChild('delay', NS.delay)?.attrs.stamp)
  again.send(element('a', { xmlns: SM, h: 4 }))
  await again.receiveNothing('message')
  romeo.send(chat('juliet@test/balcony', '5'))
  assert.equal(bodyOf(await again.receive('message')), '5')
  await romeo.receiveNothing((el) => el.is('presence') && el.attrs.type === 'unavailable')
})

test('a session is resumed over TLS while its old connection is still open, which ends with a conflict', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  const { id } = (await enable(juliet)).attrs
  juliet.send(chat('romeo@test', 'before'))
  await romeo.receive('message')
  const [stream, answer] = await resume(server, 'juliet', id, 0, { tls: true })
  assert.deepEqual([answer.getName(), answer.attrs.h], ['resumed', '1'])
  assert.equal((await juliet.closed).error, 'conflict')
  const again = new TestClient(stream, juliet.jid)
  again.send(chat('romeo@test', 'after'))
  assert.equal(bodyOf(await romeo.receive('message')), 'after')
  assert.equal(server.sessions.get(juliet.jid)?.secure, true)
  assert.equal(await handledBy(again), 2)
})

test('requests in the wrong place, of strangers and with wrong values get the error they should', async (t) => {
  const server = await startTestServer(t)
  await server.login('romeo')
  const juliet = await server.login('juliet')
  juliet.send(element('r', { xmlns: SM }))
  assert.ok((await juliet.receive(isManagement('failed'))).getChild('unexpected-request', NS.stanzaErrors))
  assert.ok((await enable(juliet, { resume: 'perhaps' })).getChild('bad-request', NS.stanzaErrors))
  assert.ok((await enable(juliet, { resume: '1', max: '-1' })).getChild('bad-request', NS.stanzaErrors))
  const { id, max } = (await enable(juliet, { resume: '1', max: '60' })).attrs
  assert.equal(max, '60')
  assert.ok((await enable(juliet)).getChild('unexpected-request', NS.stanzaErrors))

  const stream = await authenticated(server, 'romeo')
  const ask = async (el: Element) => {
    stream.send(el)
    return stream.receive(isManagement('failed'))
  }
  assert.ok((await ask(element('enable', { xmlns: SM }))).getChild('unexpected-request', NS.stanzaErrors))
  assert.ok((await ask(element('resume', { xmlns: SM, previd: id }))).getChild('bad-request', NS.stanzaErrors))
  const stolen = await ask(element('resume', { xmlns: SM, previd: id, h: 0 }))
  assert.deepEqual([stolen.getChild('item-not-found', NS.stanzaErrors)?.getName(), stolen.attrs.h], ['item-not-found', undefined])
  await stream.bind()

  juliet.send(element('a', { xmlns: SM, h: 10 }))
  const error = await juliet.receive('error')
  assert.ok(error.getChild('undefined-condition', NS.streamErrors))
  assert.deepEqual(
    [error.getChild('handled-count-too-high', SM)?.attrs.h, error.getChild('handled-count-too-high', SM)?.attrs['send-count']],
    ['10', '0'],
  )
  assert.equal((await juliet.closed).error, 'undefined-condition')
})

test('when the window ends, messages are kept with the time they came, requests are answered, and the stream id is told its count', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { resumeSeconds: 1 } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  const { id } = (await enable(juliet)).attrs
  juliet.send(chat('romeo@test', 'hello'))
  await romeo.receive('message')
  await lost(server, juliet)
  const sent = Date.now()
  romeo.send(chat('juliet@test/balcony', 'first'))
  romeo.send(element('message', { to: 'juliet@test/balcony', id: 'n' }, element('body', {}, 'second')))
  romeo.send(element('message', { to: 'juliet@test/balcony', type: 'headline' }, element('body', {}, 'news')))
  const answer = await romeo.request(element('iq', { type: 'get', to: 'juliet@test/balcony' }, element('query', { xmlns: 'jabber:iq:version' })))
  assert.equal(errorCondition(answer), 'service-unavailable')
  await until(async () => !server.sessions.get(juliet.jid))

  const [, failed] = await resume(server, 'juliet', id, 0)
  assert.deepEqual([failed.getName(), failed.attrs.h], ['failed', '1'])
  const again = await server.login('juliet')
  const kept = [await again.receive('message'), await again.receive('message')]
  assert.deepEqual(kept.map(bodyOf), ['first', 'second'])
  const stamp = new Date(kept[0]?.getChild('delay', NS.delay)?.attrs.stamp).getTime()
  assert.ok(Math.abs(stamp - sent) < 900, 'the time is that of the message, not of its return')
  await again.receiveNothing('message')
})

test('what was acknowledged to its sender is kept when the window ends, also when there is no room for more', async (t) => {
  const settings = { 'offline-storage': { quotaBytes: 1000 } }
  const server = await startTestServer(t, { config: { streamManagement: { resumeSeconds: 1 }, plugins: { settings } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  for (const client of [romeo, juliet]) await enable(client)
  await lost(server, juliet)
  for (let i = 0; i < 9; i++) romeo.send(chat('juliet@test', `${i} ${'x'.repeat(500)}`))
  assert.equal(await handledBy(romeo), 9)
  romeo.drop()
  await until(async () => !server.sessions.get(juliet.jid))
  const nurse = await server.login('nurse')
  nurse.send(chat('juliet@test', 'one more'))
  assert.equal(errorCondition(await nurse.receive('message')), 'service-unavailable')
  const again = await server.login('juliet')
  for (let i = 0; i < 9; i++) assert.equal(bodyOf(await again.receive('message'))?.split(' ')[0], String(i))
  await again.receiveNothing('message')
})

test('a message that another resource has got is not given back, one for the lost resource alone goes to the other', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { resumeSeconds: 1 } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  const other = await server.login('juliet', { resource: 'garden' })
  await enable(juliet)
  await lost(server, juliet)
  romeo.send(chat('juliet@test', 'to both'))
  assert.equal(bodyOf(await other.receive('message')), 'to both')
  romeo.send(chat('juliet@test/balcony', 'to one'))
  await until(async () => !server.sessions.get(juliet.jid))
  const given = await other.receive('message')
  assert.equal(bodyOf(given), 'to one')
  assert.ok(given.getChild('delay', NS.delay))
  await other.receiveNothing('message')
})

test('a stream that is closed in order leaves no session to resume, and what it did not acknowledge is kept', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  const { id } = (await enable(juliet)).attrs
  romeo.send(chat('juliet@test/balcony', '1'))
  await juliet.receive('message')
  await juliet.close()
  assert.equal((await resume(server, 'juliet', id, 1))[1].getName(), 'failed')
  assert.equal(bodyOf(await (await server.login('juliet')).receive('message')), '1')
})

test('kept messages stay until they are acknowledged', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { resumeSeconds: 0 } } })
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  for (const body of ['1', '2']) romeo.send(chat('juliet@test', body))
  await romeo.sync()
  const first = await server.login('juliet', { available: false })
  const enabled = await enable(first)
  assert.equal(enabled.attrs.resume, undefined)
  first.send('<presence/>')
  await first.receive('message')
  await first.receive('message')
  await first.sync()
  first.drop()
  await until(async () => !server.sessions.get(first.jid))
  const second = await server.login('juliet', { available: false })
  await enable(second)
  second.send('<presence/>')
  assert.deepEqual([bodyOf(await second.receive('message')), bodyOf(await second.receive('message'))], ['1', '2'])
  second.send(element('a', { xmlns: SM, h: second.received.filter((it) => ['message', 'presence'].includes(it.getName())).length }))
  const total = async () => ((await (await server.admin('/api/v1/plugins/offline-storage/total')).json()) as { messages: number }).messages
  await until(async () => (await total()) === 0)
  await (await server.login('juliet')).receiveNothing('message')
})

/** A server whose messages with an id that begins with `held` wait to be let go, and a client of it with stream management. */
async function withHolds(t: TestContext) {
  const holds: { resolve(): void; reject(error: Error): void }[] = []
  const holder = definePlugin({
    name: 'holder',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'hold',
          band: 'observe',
          when: { stanza: 'message', incoming: true, processed: false },
          interceptPacket: ({ hold, packet }) => {
            if (packet.id?.startsWith('held')) hold(new Promise<void>((resolve, reject) => holds.push({ resolve, reject })))
          },
        },
      ],
      hooks: { messageUndelivered: () => 'handled' },
    }),
  })
  const server = await startTestServer(t, { plugins: [holder] })
  await server.accounts.create({ username: 'juliet', password: 'juliet' })
  const romeo = await server.login('romeo')
  await enable(romeo)
  return { romeo, holds }
}

test('the acknowledgement waits for what a plugin holds, in order, and a failed hold is an error that counts', async (t) => {
  const { romeo, holds } = await withHolds(t)
  for (const id of ['free', 'held 1', 'held 2', 'free too']) romeo.send(chat('juliet@test', id))
  const answer = handledBy(romeo)
  await until(async () => holds.length === 2)
  holds[1]?.reject(new Error('disk full'))
  const error = await romeo.receive('message')
  assert.deepEqual([error.attrs.type, error.attrs.id, error.getChild('error')?.attrs.type], ['error', 'held 2', 'wait'])
  holds[0]?.resolve()
  assert.equal(await answer, 4)
})

test('a client that asks about every message, and never pauses, is told as soon as the first of them is held no more', async (t) => {
  const { romeo, holds } = await withHolds(t)
  const acknowledged = async () => Number((await romeo.receive(isManagement('a'))).attrs.h)
  const ask = (id: string) => {
    romeo.send(chat('juliet@test', id))
    romeo.send(element('r', { xmlns: SM }))
  }
  for (const id of ['held 1', 'held 2', 'held 3']) ask(id)
  await until(async () => holds.length === 3)
  holds[0]?.resolve()
  assert.equal(await acknowledged(), 1)
  ask('held 4')
  await until(async () => holds.length === 4)
  holds[2]?.resolve() // behind one that is held
  holds[1]?.resolve()
  assert.equal(await acknowledged(), 3)
  holds[3]?.resolve()
  assert.equal(await acknowledged(), 4)
  assert.equal(await handledBy(romeo), 4)
})

test('acknowledgements are read while a stanza of the same client is under way', async (t) => {
  let release = () => {}
  const slow = definePlugin({
    name: 'slow',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'slow',
          band: 'guard',
          when: { stanza: 'message', incoming: true, processed: false },
          budget: 60_000,
          interceptPacket: ({ packet }) => (packet.id === 'slow' ? new Promise<void>((resolve) => (release = resolve)) : undefined),
        },
      ],
    }),
  })
  const server = await startTestServer(t, { plugins: [slow] })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await enable(juliet)
  const session = server.sessions.get(juliet.jid)
  assert.ok(session)
  juliet.send(chat('romeo@test', 'slow'))
  romeo.send(chat('juliet@test/balcony', '1'))
  await juliet.receive('message')
  const arrived = session.whenFlushed()
  juliet.send(element('a', { xmlns: SM, h: 1 }))
  await arrived
  release()
  assert.equal(await handledBy(juliet), 1)
})

test('senders wait for a client that acknowledges too slowly, and nothing of theirs is lost', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { unacknowledgedStanzas: 100 } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await enable(juliet)
  for (let i = 1; i <= 120; i++) romeo.send(chat('juliet@test/balcony', String(i)))
  for (let i = 1; i <= 100; i++) assert.equal(bodyOf(await juliet.receive('message')), String(i))
  await juliet.receiveNothing('message')
  juliet.send(element('a', { xmlns: SM, h: 101 }))
  for (let i = 101; i <= 120; i++) assert.equal(bodyOf(await juliet.receive('message')), String(i))
})

test('bytes count as well as stanzas, and a client that goes on to acknowledge nothing is ended: what it held is kept', async (t) => {
  const server = await startTestServer(t, {
    clock: 'virtual',
    config: { streamManagement: { unacknowledgedBytes: 300_000 }, limits: { enabled: false } },
  })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await enable(juliet)
  const long = (number: number) => `${number} ${'x'.repeat(110_000)}`
  for (let i = 1; i <= 4; i++) romeo.send(element('message', { to: 'juliet@test/balcony', type: 'chat' }, element('body', {}, long(i))))
  for (let i = 1; i <= 3; i++) assert.equal(bodyOf(await juliet.receive('message')), long(i))
  await juliet.receiveNothing('message')
  assert.ok(server.sessions.get(juliet.jid)?.isOpen, 'it has some time to acknowledge')
  await server.clock.advance(10_000)
  assert.ok((await juliet.receive((el) => el.getName() === 'error')).getChild('policy-violation'))
  await until(async () => !server.sessions.get(juliet.jid))
  const again = await server.login('juliet')
  for (let i = 1; i <= 3; i++) assert.equal(bodyOf(await again.receive('message')), long(i))
  assert.equal(errorCondition(await romeo.receive('message')), 'service-unavailable', 'the fourth was never taken, and has no room')
})

test('a session without a connection ends when it has no more room, and what it held is kept', async (t) => {
  const server = await startTestServer(t, { config: { streamManagement: { unacknowledgedStanzas: 100 } } })
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await enable(juliet)
  await lost(server, juliet)
  for (let i = 1; i <= 120; i++) romeo.send(chat('juliet@test/balcony', String(i)))
  await romeo.sync()
  assert.equal(server.sessions.get(juliet.jid), undefined)
  const again = await server.login('juliet')
  const bodies = new Set<string | null>()
  while (bodies.size < 120) bodies.add(bodyOf(await again.receive('message')))
})

test('a client that binds the resource again ends the session that waited for it, and gets what that held', async (t) => {
  const server = await startTestServer(t)
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet', { resource: 'balcony' })
  await enable(juliet)
  romeo.send(chat('juliet@test/balcony', '1'))
  await juliet.receive('message')
  await lost(server, juliet)
  const again = await server.login('juliet', { resource: 'balcony' })
  assert.equal(bodyOf(await again.receive('message')), '1')
  await again.receiveNothing('message')
})

test('a server that stops leaves nothing of live and waiting sessions behind', async (t) => {
  const first = await startTestServer(t)
  const romeo = await first.login('romeo')
  const juliet = await first.login('juliet', { resource: 'balcony' })
  const nurse = await first.login('nurse', { resource: 'hall' })
  await enable(juliet)
  await enable(nurse)
  await lost(first, nurse)
  romeo.send(chat('juliet@test/balcony', 'to a live session'))
  romeo.send(chat('nurse@test/hall', 'to a waiting session'))
  await juliet.receive('message')
  await romeo.sync()
  await first.stop()
  const second = await startTestServer(t, { config: { dataFolder: first.dataFolder } })
  assert.equal(bodyOf(await (await second.login('juliet')).receive('message')), 'to a live session')
  assert.equal(bodyOf(await (await second.login('nurse')).receive('message')), 'to a waiting session')
})
