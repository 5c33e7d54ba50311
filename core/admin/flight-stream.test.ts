import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Flight } from '../pipeline/flight.js'
import type { FlightFollower } from '../pipeline/flight-recorder.js'
import { flightStream } from './flight-stream.js'

/** More than half of what may be left unread. */
const LARGE = 600 * 1024

function following(t: TestContext) {
  let follower: FlightFollower | undefined
  const stream = flightStream(
    (it) => {
      follower = it
      return () => {
        follower = undefined
      }
    },
    ({ id }) => ({ id, text: 'x'.repeat(LARGE) }),
  )
  t.after(() => stream.destroy())
  return {
    stream,
    isFollowed: () => follower !== undefined,
    pass: (...ids: string[]) => {
      for (const id of ids) follower?.flight({ id } as Flight)
    },
    end: () => follower?.end(),
    /** Names of the events that wait to be read, and which flight or how many they tell of. */
    read: () =>
      String(stream.read() ?? '')
        .split('\n\n')
        .flatMap((it) => {
          const [, event, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(it) ?? []
          if (event === undefined) return []
          const { id, flights } = JSON.parse(data) as { id?: string; flights?: number }
          return [`${event} ${id ?? flights}`]
        }),
  }
}

test('who reads as fast as flights come misses none', (t) => {
  const { pass, read } = following(t)
  for (const id of ['1', '2', '3', '4']) {
    pass(id)
    assert.deepEqual(read(), [`flight ${id}`])
  }
})

test('a slow reader misses flights instead of filling the memory, and is told how many before the next', (t) => {
  const { pass, read, stream } = following(t)
  pass('1', '2', '3', '4', '5')
  assert.ok(stream.readableLength < 3 * LARGE, String(stream.readableLength))
  assert.deepEqual(read(), ['flight 1', 'flight 2'])
  pass('6')
  assert.deepEqual(read(), ['missed 3', 'flight 6'])
  pass('7')
  assert.deepEqual(read(), ['flight 7'])
})

test('who goes away is not told any more, and a recorder that closes ends the stream', async (t) => {
  const gone = following(t)
  gone.stream.destroy()
  await new Promise((resolve) => gone.stream.once('close', resolve))
  assert.equal(gone.isFollowed(), false)
  const left = following(t)
  left.end()
  left.stream.resume()
  await new Promise((resolve) => left.stream.once('end', resolve))
})
