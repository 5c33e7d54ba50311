/** Flights as server-sent events, as they end. */
import { PassThrough, type Readable } from 'node:stream'
import type { Flight } from '../pipeline/flight.js'
import type { FlightFollower } from '../pipeline/flight-recorder.js'

/** A reader that leaves more than this unread, in bytes, misses events instead of filling the memory. */
const MAX_UNREAD = 1024 * 1024
/** How often a comment shows a proxy that the stream lives, in ms. */
const HEARTBEAT_MS = 15_000

/** Events `flight`, with `view` of each as JSON, and `missed` with how many a slow reader has not got. */
export function flightStream(follow: (follower: FlightFollower) => () => void, view: (flight: Flight) => object): Readable {
  const stream = new PassThrough({ highWaterMark: MAX_UNREAD })
  let missed = 0
  const send = (event: string, data: object) => stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const unfollow = follow({
    flight(flight) {
      if (stream.writableLength + stream.readableLength > MAX_UNREAD) {
        missed++
        return
      }
      if (missed > 0) send('missed', { flights: missed })
      missed = 0
      send('flight', view(flight))
    },
    end: () => void stream.end(),
  })
  const heartbeat = setInterval(() => void stream.write(': still here\n\n'), HEARTBEAT_MS)
  heartbeat.unref()
  stream.write(': flights follow\n\n')
  stream.once('close', () => {
    clearInterval(heartbeat)
    unfollow()
  })
  return stream
}
