import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { PacketInterceptor } from '@beaconfire/plugin-sdk'
import { chainWith } from './interceptor-chain.fixture.js'

/** Runs after which not every call is timed. */
const MANY = 500

/** A clock that stands still but for what interceptors take. */
function clock(t: TestContext) {
  let time = 1000
  let looks = 0
  t.mock.method(performance, 'now').mock.mockImplementation(() => {
    looks++
    return time
  })
  const taking = (name: string, ms: () => number, rest: Partial<PacketInterceptor> = {}): PacketInterceptor => ({
    name,
    band: 'guard',
    when: { processed: false },
    interceptPacket: () => void (time += ms()),
    ...rest,
  })
  return { taking, looks: () => looks }
}

const named = (entries: readonly { readonly message: string; readonly fields: Record<string, unknown> }[]) =>
  entries.filter((it) => it.message === 'interceptor overran its time budget').map(({ fields }) => [fields.interceptor, fields.orOneOf])

test('where several are called the clock is looked at less often than they are, and yet each has the time it took', (t) => {
  const { taking, looks } = clock(t)
  const { chain, run } = chainWith(
    taking('one', () => 1),
    taking('two', () => 2),
    taking('none', () => 0),
  )
  for (let i = 0; i < MANY; i++) void run()
  const [one, two, none] = chain.statuses()
  assert.deepEqual([one?.calls, two?.calls, none?.calls], [MANY, MANY, MANY])
  // The calls since the last that was timed are not known of yet.
  assert.ok(MANY - 16 < (one?.totalMs ?? 0) && (one?.totalMs ?? 0) <= MANY, String(one?.totalMs))
  assert.equal(two?.totalMs, 2 * (one?.totalMs ?? 0))
  assert.deepEqual([one?.slowestMs, two?.slowestMs, none?.totalMs], [1, 2, 0])
  assert.ok(looks() < 3 * MANY, String(looks()))
})

test('an overrun is seen in whichever call it happens: the first that comes unawares is one of several, from then on it is named', (t) => {
  const { taking } = clock(t)
  let blocks = 0
  const { chain, entries, run } = chainWith(
    taking('innocent', () => 0),
    taking('blocks', () => blocks, { budget: 100 }),
    taking('patient', () => 0, { budget: 10_000 }),
  )
  for (let i = 0; i < MANY; i++) void run()
  blocks = 150
  void run()
  assert.deepEqual(named(entries), [['blocks', ['plugin/innocent', 'plugin/patient']]])
  void run()
  blocks = 0
  void run()
  assert.deepEqual(named(entries).at(-1), ['blocks', undefined])
  assert.deepEqual(
    chain.statuses().map((it) => it.overruns),
    [0, 2, 0],
  )
  assert.equal(chain.statuses()[1]?.slowestMs, 150)
})

test('one that blocks and then throws is counted as slow too, and as one failure', (t) => {
  const { taking } = clock(t)
  const slow = taking('slow', () => 150, { budget: 100, breaker: { failures: 3 } })
  const { chain, run } = chainWith({
    ...slow,
    interceptPacket(crossing) {
      void slow.interceptPacket(crossing)
      throw new Error('broken')
    },
  })
  for (let i = 0; i < 3; i++) void run()
  const [status] = chain.statuses()
  assert.deepEqual([status?.overruns, status?.errors, status?.breaker], [3, 3, 'open'])
})

test('one with little time, or whose breaker opens at once, is timed in each call', (t) => {
  for (const rest of [{ budget: 10 }, { breaker: { failures: 1 } }]) {
    const { taking } = clock(t)
    let blocks = 0
    const { entries, run } = chainWith(
      taking('tight', () => 0, rest),
      taking('blocks', () => blocks),
    )
    for (let i = 0; i < MANY; i++) void run()
    blocks = 1500
    void run()
    assert.deepEqual(named(entries), [['blocks', undefined]])
    t.mock.restoreAll()
  }
})

test("what a recorder takes is nobody else's time", (t) => {
  const { taking } = clock(t)
  const recording = taking('recorder', () => 300).interceptPacket as () => void
  const { chain, entries, run } = chainWith(
    taking('first', () => 1, { budget: 100 }),
    taking('second', () => 2, { budget: 100 }),
  )
  const probe = {
    begun() {
      recording()
      return performance.now()
    },
    ended: recording,
    acting() {},
    acted() {},
    finished() {},
  }
  chain.watch({ crossing: () => probe })
  void run()
  const [first, second] = chain.statuses()
  assert.deepEqual([first?.slowestMs, second?.slowestMs], [1, 2])
  assert.deepEqual(named(entries), [])
})
