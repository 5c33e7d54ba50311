/** An interceptor that returns a promise, and keeps the whole server from running before it does. */
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { message, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'
import { FlightRecorder } from './flight-recorder.js'
import { chainWith, gate } from './interceptor-chain.fixture.js'

/** Runs after which several that are called together are timed together. */
const MANY = 200

/** A clock that stands still but for what interceptors take before they return. */
function clock(t: TestContext) {
  let time = 1000
  t.mock.method(performance, 'now').mock.mockImplementation(() => time)
  return (name: string, ms: () => number, result: () => Promise<void> | undefined, rest: Partial<PacketInterceptor> = {}): PacketInterceptor => ({
    name,
    band: 'guard',
    budget: 100,
    breaker: { failures: 3, retryAfter: 60_000 },
    when: { processed: false },
    interceptPacket() {
      time += ms()
      return result()
    },
    ...rest,
  })
}

/** Takes longer than it may before it returns its promise, which it fulfils. */
function blocking(taking: ReturnType<typeof clock>): PacketInterceptor {
  return taking(
    'blocks',
    () => 150,
    async () => undefined,
  )
}

test('one that blocks and then fulfils its promise opens its breaker', async (t) => {
  const { chain, run } = chainWith(blocking(clock(t)))
  for (let i = 0; i < 8; i++) assert.equal(await run(), true)
  const [status] = chain.statuses()
  assert.deepEqual([status?.breaker, status?.overruns, status?.skipped], ['open', 3, 5])
})

test('so does one that is timed together with others, once for each call', async (t) => {
  const taking = clock(t)
  let blocks = 0
  const { chain, run } = chainWith(
    taking(
      'innocent',
      () => 0,
      () => undefined,
    ),
    taking(
      'blocks',
      () => blocks,
      async () => undefined,
    ),
  )
  for (let i = 0; i < MANY; i++) await run()
  blocks = 150
  for (let i = 0; i < 5; i++) await run()
  const [innocent, culprit] = chain.statuses()
  assert.deepEqual([culprit?.breaker, culprit?.overruns, culprit?.skipped], ['open', 3, 2])
  assert.equal(innocent?.breaker, 'closed')
})

test('a run that is timed as a whole takes nothing back before it is known how long it took', async (t) => {
  const taking = clock(t)
  let blocks = 150
  const outcomes: (() => Promise<void> | undefined)[] = [() => undefined, async () => undefined]
  for (const outcome of outcomes) {
    // Two overruns are in a row when the careful runs are over, and the third comes in one that is timed as a whole.
    const { chain, run } = chainWith(
      taking('blocks', () => blocks, outcome),
      taking(
        'innocent',
        () => 0,
        () => undefined,
      ),
    )
    blocks = 0
    for (let i = 0; i < 62; i++) await run()
    blocks = 150
    for (let i = 0; i < 3; i++) await run()
    assert.equal(chain.statuses()[0]?.breaker, 'open')
  }
})

test('one call is one failure, whatever else comes of it after it has blocked', async (t) => {
  const taking = clock(t)
  const broken = async () => {
    throw new Error('broken')
  }
  const refuses = async () => {
    throw new PacketRejected()
  }
  for (const result of [broken, refuses]) {
    const { chain, run } = chainWith(taking('blocks', () => 150, result))
    for (let i = 0; i < 2; i++) await run()
    assert.equal(chain.statuses()[0]?.breaker, 'closed')
    await run()
    assert.equal(chain.statuses()[0]?.breaker, 'open')
  }
})

test('one that blocks and is given up afterwards has failed once', async () => {
  const { chain, run } = chainWith({
    name: 'never',
    band: 'guard',
    budget: 5,
    breaker: { failures: 2 },
    when: { processed: false },
    interceptPacket() {
      const until = performance.now() + 10
      while (performance.now() < until);
      return new Promise(() => undefined)
    },
  })
  await run()
  const [status] = chain.statuses()
  assert.deepEqual([status?.overruns, status?.breaker], [1, 'closed'])
})

test('a promise that is fulfilled in time takes the failures back; a call before it that blocked meanwhile does not', async (t) => {
  const taking = clock(t)
  const slow = gate()
  let ms = 150
  const { chain, run } = chainWith(
    taking(
      'blocks',
      () => ms,
      () => slow.passed,
    ),
  )
  const waiting = [run(), run()]
  slow.open()
  for (const it of waiting) await it
  ms = 0
  await run()
  ms = 150
  for (let i = 0; i < 2; i++) await run()
  assert.equal(chain.statuses()[0]?.breaker, 'closed')
  await run()
  assert.equal(chain.statuses()[0]?.breaker, 'open')
})

test('the flight recorder says that it overran', async (t) => {
  const { chain, run } = chainWith(blocking(clock(t)))
  const recorder = new FlightRecorder((watch) => chain.watch(watch))
  t.after(() => recorder.close())
  recorder.arm({ rate: 1, bodies: true, seconds: 60, maxFlights: 10, maxBytes: 1_000_000 })
  await run(message({ to: 'juliet@test', type: 'chat' }))
  assert.deepEqual(
    recorder.search({ limit: 1 })[0]?.crossings[0]?.steps.map((it) => it.outcome),
    ['overran', 'done'],
  )
})
