import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BUDGET_MS } from './turn-budget.js'
import { TurnScheduler } from './turn-scheduler.js'

/** A clock that stands still unless it is moved. */
function clock() {
  let now = 0
  return { now: () => now, pass: (ms: number) => void (now += ms) }
}

test('what is written in one turn is flushed once, after the events of that turn', async () => {
  const scheduler = new TurnScheduler(clock().now)
  const flushed: string[] = []
  for (const name of ['a', 'b']) scheduler.add({ flush: () => void flushed.push(name) })
  assert.deepEqual(flushed, [])
  await nextTurn()
  assert.deepEqual(flushed, ['a', 'b'])
  await nextTurn()
  assert.deepEqual(flushed, ['a', 'b'])
})

test('what runs late is flushed in the same turn', async () => {
  const scheduler = new TurnScheduler(clock().now)
  const seen: string[] = []
  scheduler.postpone({ run: () => scheduler.add({ flush: () => void seen.push('flushed') }) })
  await nextTurn()
  assert.deepEqual(seen, ['flushed'])
})

test('writes of a turn end when their time is spent, and the next turn goes on with them in order', async () => {
  const { now, pass } = clock()
  const scheduler = new TurnScheduler(now)
  const flushed: number[] = []
  const flush = (at: number) => {
    flushed.push(at)
    pass(BUDGET_MS / 32)
  }
  const all = Array.from({ length: 100 }, (_, at) => at)
  for (const at of all) scheduler.add({ flush: () => flush(at) })
  await nextTurn()
  assert.equal(flushed.length, 32)
  while (flushed.length < all.length) await nextTurn()
  assert.deepEqual(flushed, all)
})
