/** Messages leave when they are due, whatever became of those before; latency counts from then, not from when they left. */
import { Deliveries } from '../deliveries.js'
import type { OpenLoop } from '../request.js'
import type { LoopOutcome } from './closed-loop.js'
import type { MessagePair } from './message-pair.js'

/** Later than this and the generator is part of the latency. */
const LATE_MS = 5

export async function openLoop(pairs: readonly MessagePair[], { rate, seconds }: OpenLoop): Promise<LoopOutcome> {
  const total = Math.round(rate * seconds)
  const deliveries = new Deliveries(total)
  const latencies: number[] = []
  for (const pair of pairs) {
    pair.onDelivery = (_, latency) => {
      latencies.push(latency)
      deliveries.count()
    }
  }
  const began = performance.now()
  let sent = 0
  let sentLate = 0
  const tick = () => {
    const now = performance.now()
    while (sent < total) {
      const due = began + (sent * 1000) / rate
      if (due > now) break
      if (now - due > LATE_MS) sentLate++
      const pair = pairs[sent++ % pairs.length]
      pair?.sender.send(pair.next(due))
    }
    if (sent < total) setTimeout(tick, 1)
  }
  tick()
  await deliveries.done
  return { latencies, sentLate }
}
