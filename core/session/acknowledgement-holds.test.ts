import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, type Stanza } from '@beaconfire/plugin-sdk'
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
