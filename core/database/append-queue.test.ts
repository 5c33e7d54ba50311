import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppendQueue, AppendRefused, type InsertGroup, type RowFailure } from './append-queue.js'
import { ofLastRow } from './stored-together.js'

/** A database whose writes the test lets through one by one. */
function heldWriter() {
  const written: (readonly InsertGroup[])[] = []
  const held: { resolve: (failures: RowFailure[]) => void; reject: (error: unknown) => void }[] = []
  let arrived: (() => void) | undefined
  const write = (groups: readonly InsertGroup[]) => {
    written.push(groups)
    return new Promise<RowFailure[]>((resolve, reject) => {
      held.push({ resolve, reject })
      arrived?.()
    })
  }
  const next = async () => {
    if (held.length === 0) await new Promise<void>((resolve) => (arrived = resolve))
    return held.shift() as (typeof held)[number]
  }
  return { written, write, next }
}

const rowsIn = (groups: readonly InsertGroup[] | undefined) => groups?.map(({ table, values }) => [table, ...values])

test('rows that arrive in one turn, and those that arrive during a write, go together', async () => {
  const { written, write, next } = heldWriter()
  const queue = new AppendQueue(write)
  const chat = queue.appender('chat', ['id'])
  const offline = queue.appender('offline', ['id'])
  const first = [chat.append({ id: 1 }), offline.append({ id: 2 }), chat.append({ id: 3 })]
  const firstWrite = await next()
  const second = [chat.append({ id: 4 }), chat.append({ id: 5 })]
  firstWrite.resolve([])
  await Promise.all(first)
  ;(await next()).resolve([])
  await Promise.all(second)
  assert.deepEqual(written.map(rowsIn), [
    [
      ['chat', 1, 3],
      ['offline', 2],
    ],
    [['chat', 4, 5]],
  ])
})

test('a row that is refused rejects its own promise alone', async () => {
  const { write, next } = heldWriter()
  const queue = new AppendQueue(write)
  const chat = queue.appender('chat', ['id'])
  const offline = queue.appender('offline', ['id'])
  const rows = [chat.append({ id: 1 }), offline.append({ id: 2 }), offline.append({ id: 3 }), chat.append({ id: 4 })]
  ;(await next()).resolve([{ group: 1, row: 1, error: new Error('no room') }])
  const outcomes = await Promise.allSettled(rows)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal(offline.pending, 0)
})

test('rows that go together share a promise, which tells those that are refused apart', async () => {
  const { write, next } = heldWriter()
  const chat = new AppendQueue(write).appender('chat', ['id'])
  const refused: unknown[] = []
  const outcomes: Promise<unknown>[] = []
  const promises = new Set<Promise<void>>()
  for (let id = 1; id <= 4; id++) {
    if (id === 2) outcomes.push(chat.append({ id }))
    else {
      const stored = chat.appendTogether({ id }, (_error, row) => refused.push(row.id))
      promises.add(stored)
      outcomes.push(ofLastRow(stored))
    }
  }
  assert.equal(promises.size, 1)
  const error = new Error('no room')
  ;(await next()).resolve([1, 2].map((row) => ({ group: 0, row, error })))
  const all = await Promise.allSettled([...outcomes, ...promises])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(refused, [3])
})

test('a write that fails as a whole rejects all its rows, and the next one is tried', async () => {
  const { write, next } = heldWriter()
  const chat = new AppendQueue(write).appender('chat', ['id'])
  const rows = Promise.allSettled([chat.append({ id: 1 }), chat.append({ id: 2 })])
  ;(await next()).reject(new Error('gone'))
  assert.deepEqual(
    (await rows).map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  const later = chat.append({ id: 3 })
  ;(await next()).resolve([])
  await later
})

test('whenIdle waits for what was appended before it, not for what comes after', async () => {
  const { write, next } = heldWriter()
  const chat = new AppendQueue(write).appender('chat', ['id'])
  await chat.whenIdle()
  const first = chat.append({ id: 1 })
  const idle = chat.whenIdle()
  const firstWrite = await next()
  const second = chat.append({ id: 2 })
  firstWrite.resolve([])
  await idle
  await first
  assert.equal(chat.pending, 1)
  ;(await next()).resolve([])
  await second
})

test('a row is stored as it was when it was appended', async () => {
  const { written, write, next } = heldWriter()
  const chat = new AppendQueue(write).appender<{ id: number; body: string | null }>('chat', ['id', 'body'])
  const row = { id: 1, body: 'hello' }
  const stored = chat.append(row)
  row.body = 'changed'
  ;(await next()).resolve([])
  await stored
  assert.deepEqual(written[0]?.[0]?.values, [1, 'hello'])
  assert.equal(written[0]?.[0]?.sql, 'insert into `chat` (`id`, `body`) values (?, ?)')
})

test('one transaction takes a bounded number of rows and characters', async () => {
  const { written, write, next } = heldWriter()
  const chat = new AppendQueue(write, { batchRows: 3, batchCharacters: 10 }).appender('chat', ['body'])
  const bodies = ['a', 'b', 'c', 'd', 'x'.repeat(20), 'e']
  const rows = Promise.all(bodies.map((body) => chat.append({ body })))
  for (let write = 0; write < 3; write++) (await next()).resolve([])
  await rows
  assert.deepEqual(
    written.map((groups) => groups[0]?.values.map((body) => String(body)[0])),
    [['a', 'b', 'c'], ['d', 'x'], ['e']],
  )
})

test('an appender says when it is saturated, and rows beyond the limit are refused', async () => {
  const { write, next } = heldWriter()
  const chat = new AppendQueue(write, { saturatedRows: 2, refusedRows: 4, refusedCharacters: 50 }).appender('chat', ['body'])
  const rows = [chat.append({ body: 'a' }), chat.append({ body: 'b' })]
  assert.equal(chat.isSaturated, false)
  rows.push(chat.append({ body: 'c' }))
  assert.equal(chat.isSaturated, true)
  await assert.rejects(chat.append({ body: 'x'.repeat(60) }), AppendRefused)
  rows.push(chat.append({ body: 'd' }))
  await assert.rejects(chat.append({ body: 'e' }), AppendRefused)
  assert.equal(chat.pending, 4)
  ;(await next()).resolve([])
  await Promise.all(rows)
  assert.equal(chat.isSaturated, false)
})

test('closing writes what is queued and refuses what comes later', async () => {
  const { written, write, next } = heldWriter()
  const queue = new AppendQueue(write)
  const chat = queue.appender('chat', ['id'])
  const stored = chat.append({ id: 1 })
  const closed = queue.close()
  await assert.rejects(chat.append({ id: 2 }), AppendRefused)
  ;(await next()).resolve([])
  await Promise.all([stored, closed])
  assert.equal(written.length, 1)
})
