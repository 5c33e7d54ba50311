import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, element } from '../index.js'
import { startTestServer } from './test-server.js'

test("a plugin's timers and dates go by the clock of the test, and clients are served while it stands still", async (t) => {
  const rounds: number[] = []
  const clockwork = definePlugin({
    name: 'clockwork',
    version: '1.0.0',
    setup: ({ timers }) => {
      timers.every(60_000, async () => {
        await Promise.resolve()
        rounds.push(Date.now())
      })
      return {}
    },
  })
  const server = await startTestServer(t, { plugins: [clockwork], clock: 'virtual' })
  const startedAt = server.clock.now
  const romeo = await server.login('romeo', { resource: 'a' })
  romeo.send('<message to="romeo@test/a"><body>x</body></message>')
  await romeo.receive('message')
  assert.equal(Date.now(), startedAt)
  assert.deepEqual(rounds, [])

  await server.clock.advance(180_000)
  assert.deepEqual(
    rounds,
    [60_000, 120_000, 180_000].map((ms) => startedAt + ms),
  )
  await server.clock.jump(3_600_000)
  assert.deepEqual(rounds.slice(3), [startedAt + 3_780_000])
  assert.equal((await romeo.closed).error, 'connection-timeout') // for an hour it said nothing
})

test('a session of a dead link waits its time to be resumed, and then is over', async (t) => {
  const server = await startTestServer(t, { plugins: [], clock: 'virtual' })
  const romeo = await server.login('romeo')
  romeo.send(element('enable', { xmlns: 'urn:xmpp:sm:3', resume: 'true', max: '60' }))
  const seconds = Number((await romeo.receive('enabled')).attrs.max)
  romeo.drop()
  await romeo.closed
  await server.clock.advance((seconds - 2) * 1000)
  assert.equal(server.sessions.count, 1)
  await server.clock.advance(4000)
  assert.equal(server.sessions.count, 0)
})

test('an interceptor that never settles is given up in its time', async (t) => {
  const hanging = definePlugin({
    name: 'hanging',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'hang',
          band: 'observe',
          when: { stanza: 'message', incoming: true },
          budget: 30_000,
          interceptPacket: () => new Promise<void>(() => {}),
        },
      ],
    }),
  })
  const server = await startTestServer(t, { plugins: [hanging], clock: 'virtual' })
  const [romeo, juliet] = [await server.login('romeo'), await server.login('juliet', { resource: 'b' })]
  romeo.send('<message to="juliet@test/b"><body>x</body></message>')
  const message = juliet.receive('message')
  let hasCome = false
  void message.then(() => (hasCome = true))
  await juliet.sync()
  await server.clock.advance(29_000)
  await juliet.sync()
  assert.equal(hasCome, false)
  await server.clock.advance(2000)
  await message
})

test('an interceptor that was left out for failing is tried again in its time', async (t) => {
  const calls: string[] = []
  const fails = definePlugin({
    name: 'fails',
    version: '1.0.0',
    setup: () => ({
      interceptors: [
        {
          name: 'fail',
          band: 'observe',
          when: { stanza: 'message', incoming: true, processed: false },
          breaker: { failures: 2, retryAfter: 60_000 },
          interceptPacket: ({ packet }) => {
            calls.push(packet.id ?? '')
            throw new Error('as ever')
          },
        },
      ],
    }),
  })
  const server = await startTestServer(t, { plugins: [fails], clock: new Date('2026-01-01T00:00:00Z') })
  assert.equal(new Date().toISOString(), '2026-01-01T00:00:00.000Z')
  const romeo = await server.login('romeo', { resource: 'a' })
  for (const id of ['1', '2', '3', '4']) romeo.send(`<message to="romeo@test/a" id="${id}"/>`)
  await romeo.sync()
  assert.deepEqual(calls, ['1', '2'])
  await server.clock.advance(60_000)
  for (const id of ['5', '6']) romeo.send(`<message to="romeo@test/a" id="${id}"/>`)
  await romeo.sync()
  assert.deepEqual(calls, ['1', '2', '5'])
})

test('the process has one clock at a time, and gets its own back', async (t) => {
  const real = Date.now
  await t.test('inner', async (inner) => {
    const server = await startTestServer(inner, { plugins: [], clock: 'virtual' })
    assert.notEqual(Date.now, real)
    await assert.rejects(startTestServer(inner, { plugins: [], clock: 'virtual' }), /installed already/)
    await server.login('romeo')
  })
  const server = await startTestServer(t, { plugins: [] })
  assert.throws(() => server.clock, /clock: 'virtual'/)
  assert.ok(Math.abs(Date.now() - performance.timeOrigin - performance.now()) < 60_000)
})
