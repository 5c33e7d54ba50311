import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, type Stanza } from '@beaconfire/plugin-sdk'
import { StoredTogether } from '../database/stored-together.js'
import { AcknowledgementHolds } from './acknowledgement-holds.js'

test('nothing is waited for while nothing is held', () => {
  assert.equal(new AcknowledgementHolds(() => {}).whenSettled(), undefined)
})

test('what is held settles with the last promise, and a failure names its stanza', async () => {
  const failed: Stanza[] = []
  const holds = new AcknowledgementHolds((stanza) => failed.push(stanza))
  const [first, second] = [message({ id: '1' }), message({ id: '2' })]
  let settleLast: () => void = () => {}
  holds.hold(Promise.reject(new Error('disk full')), first)
  holds.hold(
    new Promise<void>((resolve) => {
      settleLast = resolve
    }),
    second,
  )
  let isSettled = false
  const settled = holds.whenSettled()?.then(() => {
    isSettled = true
  })
  await new Promise(setImmediate)
  assert.equal(isSettled, false)
  assert.deepEqual(failed, [first])
  settleLast()
  await settled
  assert.equal(holds.whenSettled(), undefined)
})

test('stanzas may be acknowledged up to the first that is held', async () => {
  const holds = new AcknowledgementHolds(() => {})
  const settle: (() => void)[] = []
  const promise = () => new Promise<void>((resolve) => void settle.push(resolve))
  assert.equal(holds.settledUpTo(5), 5)
  const shared = promise()
  holds.hold(shared, message({ id: '2' }), 2)
  holds.hold(promise(), message({ id: '3' }), 3)
  holds.hold(shared, message({ id: '4' }), 4)
  assert.equal(holds.settledUpTo(5), 1)
  settle[1]?.()
  await new Promise(setImmediate)
  assert.equal(holds.settledUpTo(5), 1)
  settle[0]?.()
  await new Promise(setImmediate)
  assert.equal(holds.settledUpTo(5), 5)
})

test('what is held when the client sends again from the start does not count, and is still waited for', async () => {
  const holds = new AcknowledgementHolds(() => {})
  holds.hold(new Promise(() => {}), message({ id: '1' }), 1)
  holds.startOver()
  assert.equal(holds.settledUpTo(3), 3)
  assert.ok(holds.whenSettled())
})

test('of rows that are stored together those that are refused fail the stanzas that they belong to, each once', async () => {
  const failed: [string | undefined, unknown][] = []
  const holds = new AcknowledgementHolds((stanza, error) => failed.push([stanza.id, error]))
  let store: () => void = () => {}
  const stored = new StoredTogether((resolve) => {
    store = resolve
  })
  const [first, second, third] = [message({ id: '1' }), message({ id: '2' }), message({ id: '3' })]
  for (const [row, stanza] of [first, second, second, third].entries()) {
    stored.last = row + 5 // others have rows in the transaction, too
    holds.hold(stored, stanza)
  }
  const settled = holds.whenSettled()
  const error = new Error('too long')
  stored.refused = new Map([4, 6, 7, 9].map((row) => [row, error]))
  store()
  await settled
  assert.deepEqual(failed, [['2', error]])
})

test('a stanza with several rows in a transaction that fails is told of once', async () => {
  const failed: Stanza[] = []
  const holds = new AcknowledgementHolds((stanza) => failed.push(stanza))
  const stored = new StoredTogether((_resolve, reject) => void setImmediate(reject, new Error('disk full')))
  const [first, second] = [message({ id: '1' }), message({ id: '2' })]
  for (const stanza of [first, second, first]) holds.hold(stored, stanza)
  await holds.whenSettled()
  assert.deepEqual(failed, [first, second])
})
