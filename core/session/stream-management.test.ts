import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionEnded } from '@beaconfire/plugin-sdk'
import { StreamManagement } from './stream-management.js'

const WRAP = 2 ** 32
const stanza = (xml: string) => ({ xml, at: 0, isKept: false, others: undefined })

function withSent(count: number): StreamManagement {
  const management = new StreamManagement('id', 300, 0)
  for (let i = 0; i < count; i++) management.add(stanza(`${i}`))
  return management
}

test('what is acknowledged leaves the queue in order, and an old count changes nothing', () => {
  const management = withSent(1000)
  assert.equal(management.acknowledge('300'), true)
  assert.deepEqual([management.acknowledged, management.unacknowledged, management.pending()[0]?.xml], [300, 700, '300'])
  assert.equal(management.acknowledge('300'), false)
  assert.equal(management.acknowledge('299'), false)
  management.acknowledge('1000')
  assert.deepEqual([management.unacknowledged, management.bytes, management.sent], [0, 0, 1000])
})

test('a count that is none, or of more than was sent, ends the stream', () => {
  const management = withSent(8)
  for (const h of [undefined, '', '-1', 'x', '4294967296', '1.5']) assert.throws(() => management.acknowledge(h), { condition: 'invalid-xml' })
  for (const h of ['9', '10', '4294967295']) {
    assert.throws(
      () => management.acknowledge(h),
      (error: Error & { toElement(): { toString(): string } }) => error.toElement().toString().includes(`h="${h}" send-count="8"`),
    )
  }
  assert.equal(management.unacknowledged, 8)
})

test('counts on the wire begin again after 2^32 - 1', () => {
  const management = new StreamManagement('id', 300, 0, WRAP - 2)
  for (let i = 0; i < 4; i++) management.add(stanza(`${i}`))
  assert.equal(management.acknowledge('4294967295'), true)
  assert.equal(management.unacknowledged, 3)
  assert.equal(management.acknowledge('0'), true)
  assert.deepEqual(
    management.pending().map((it) => it.xml),
    ['2', '3'],
  )
  assert.throws(() => management.acknowledge('3'), /You acknowledged 3 stanzas, but I only sent you 2/)
  assert.equal(management.acknowledge('2'), true)
  assert.equal(management.sent, WRAP + 2)
})

test('there is one request at a time, and the next asks for what came after it', () => {
  const management = withSent(1)
  assert.ok(management.request(5))
  management.add(stanza('1'))
  assert.equal(management.request(6), undefined)
  assert.equal(management.requestedAt, 5)
  management.acknowledge('1')
  assert.ok(management.request(7))
  management.acknowledge('2')
  assert.equal(management.request(8), undefined)
})

test('who waits for the acknowledgement is told of it, or of the end', async () => {
  const management = withSent(2)
  const first = management.whenAcknowledged()
  management.add(stanza('2'))
  const second = management.whenAcknowledged()
  const room = management.whenRoom()
  management.acknowledge('2')
  await first
  await room
  const left = management.end()
  await assert.rejects(second, SessionEnded)
  assert.deepEqual(
    left.map((it) => it.xml),
    ['2'],
  )
})
