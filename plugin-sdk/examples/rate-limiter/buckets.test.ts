import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buckets } from './buckets.js'

const limits = { message: { burst: 2, perSecond: 1 }, presence: { burst: 1, perSecond: 1 }, iq: { burst: 1, perSecond: 0.5 } }

function bucketsAt(most = 100) {
  const clock = { now: 1000 }
  return { clock, buckets: new Buckets(limits, most, () => clock.now) }
}

test('a burst goes through, then one for each interval, and each kind and account has its own', () => {
  const { clock, buckets } = bucketsAt()
  const taken = (...kinds: ('message' | 'iq')[]) => kinds.map((it) => buckets.take('romeo@test', it))
  assert.deepEqual(taken('message', 'message', 'message', 'iq', 'iq'), [true, true, false, true, false])
  assert.equal(buckets.take('juliet@test', 'message'), true)
  clock.now += 999
  assert.deepEqual(taken('message'), [false])
  clock.now += 1
  assert.deepEqual(taken('message', 'message', 'iq'), [true, false, false])
  clock.now += 1_000_000
  assert.deepEqual(taken('message', 'message', 'message'), [true, true, false])
})

test('it shows who is limited and for how long, and a pardon ends it', () => {
  const { clock, buckets } = bucketsAt()
  for (let i = 0; i < 3; i++) buckets.take('romeo@test', 'iq')
  clock.now += 500
  const [limited, ...others] = buckets.limited()
  assert.deepEqual(limited, { user: 'romeo@test', refused: 2, lastRefused: 'iq', lastRefusedAt: 1000, waitMs: 1500 })
  assert.deepEqual(others, [])
  assert.deepEqual([buckets.forgive('romeo@test'), buckets.forgive('romeo@test'), buckets.limited()], [true, false, []])
})

test('memory is bounded: who is longest silent goes, and so do full buckets', () => {
  const { clock, buckets } = bucketsAt(3)
  for (const user of ['a', 'b', 'c']) buckets.take(user, 'presence')
  buckets.take('a', 'message')
  buckets.take('d', 'presence')
  assert.equal(buckets.size, 3)
  assert.deepEqual([buckets.take('a', 'presence'), buckets.take('b', 'presence')], [false, true])
  clock.now += 60_000
  buckets.sweep()
  assert.equal(buckets.size, 0)
})

test('a clock that is set back takes nothing away', () => {
  const { clock, buckets } = bucketsAt()
  buckets.take('a', 'message')
  clock.now -= 500_000
  assert.equal(buckets.take('a', 'message'), true)
  assert.equal(buckets.take('a', 'message'), false)
})
