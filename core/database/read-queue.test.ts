import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ReadGroup, type ReadOutcome, ReadQueue } from './read-queue.js'

/** Answers each read with its statement and first binding, once the test lets it. */
function heldReader() {
  const sent: (readonly ReadGroup[])[] = []
  const held: (() => void)[] = []
  let arrived: (() => void) | undefined
  const send = (groups: readonly ReadGroup[]) => {
    sent.push(groups)
    return new Promise<ReadOutcome[][]>((resolve) => {
      held.push(() => resolve(groups.map(({ sql, bindings }) => bindings.map(([key]) => outcomeOf(sql, key)))))
      arrived?.()
    })
  }
  const answer = async () => {
    if (held.length === 0) await new Promise<void>((resolve) => (arrived = resolve))
    held.shift()?.()
  }
  return { sent, send, answer }
}

function outcomeOf(sql: string, key: unknown): ReadOutcome {
  return key === 'bad' ? { error: new Error('no such table') } : { rows: [{ sql, key }] }
}

test('reads of one turn, and those asked for while others are under way, travel together', async () => {
  const { sent, send, answer } = heldReader()
  const queue = new ReadQueue(send)
  const first = [queue.read('a', [1]), queue.read('b', [2]), queue.read('a', [3])]
  await answer()
  const later = [queue.read('a', [4]), queue.read('b', [5])]
  const all = Promise.all([...first, ...later])
  await answer()
  assert.deepEqual(
    (await all).flat(),
    [1, 2, 3, 4, 5].map((key) => ({ sql: [2, 5].includes(key) ? 'b' : 'a', key })),
  )
  assert.deepEqual(
    sent.map((groups) => groups.map(({ sql, bindings }) => [sql, ...bindings.flat()])),
    [
      [
        ['a', 1, 3],
        ['b', 2],
      ],
      [
        ['a', 4],
        ['b', 5],
      ],
    ],
  )
})

test('a read that fails rejects alone', async () => {
  const { send, answer } = heldReader()
  const queue = new ReadQueue(send)
  const reads = Promise.allSettled([queue.read('a', [1]), queue.read('a', ['bad']), queue.read('a', [2])])
  await answer()
  assert.deepEqual(
    (await reads).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})

test('one message takes a bounded number of reads, and all are answered', async () => {
  const { sent, send, answer } = heldReader()
  const queue = new ReadQueue(send)
  const reads = Promise.all(Array.from({ length: 250 }, (_, key) => queue.read(key % 2 === 0 ? 'a' : 'b', [key])))
  for (let message = 0; message < 3; message++) await answer()
  assert.deepEqual(
    (await reads).map(([row]) => row?.key),
    Array.from({ length: 250 }, (_, key) => key),
  )
  assert.deepEqual(
    sent.map((groups) => groups.reduce((sum, { bindings }) => sum + bindings.length, 0)),
    [100, 100, 50],
  )
})

test('when nothing could be read every read hears of it, and the next one is tried', async () => {
  let isGone = true
  const queue = new ReadQueue(async (groups) => {
    if (isGone) throw new Error('gone')
    return groups.map(({ sql, bindings }) => bindings.map(([key]) => outcomeOf(sql, key)))
  })
  await assert.rejects(queue.read('a', [1]), /gone/)
  isGone = false
  assert.deepEqual(await queue.read('a', [2]), [{ sql: 'a', key: 2 }])
})
