/** Each pair has at most `window` messages in flight: a message seen lets the next one leave. */
import type { ClientConnection } from '../client-connection.js'
import { Deliveries } from '../deliveries.js'
import type { ClosedLoop } from '../request.js'
import type { MessagePair } from './message-pair.js'

export interface LoopOutcome {
  /** Ms of each delivery. */
  readonly latencies: ArrayLike<number>
  readonly sentLate?: number
}

export async function closedLoop(pairs: readonly MessagePair[], { each, window }: ClosedLoop): Promise<LoopOutcome> {
  const deliveries = new Deliveries(pairs.length * each)
  const latencies: number[] = []
  const outbox = new Outbox()
  for (const pair of pairs) {
    const last = pair.sent + each
    pair.onDelivery = (_, latency) => {
      latencies.push(latency)
      if (pair.sent < last) outbox.add(pair.sender, pair.next(performance.now()))
      deliveries.count()
    }
  }
  for (const pair of pairs) {
    let first = ''
    for (let at = 0; at < Math.min(window, each); at++) first += pair.next(performance.now())
    pair.sender.send(first)
  }
  await deliveries.done
  return { latencies }
}

/** What one read let leave goes out in one write for each sender, as a client's own library would do it. */
class Outbox {
  readonly #texts = new Map<ClientConnection, string>()

  add(sender: ClientConnection, text: string): void {
    if (this.#texts.size === 0) queueMicrotask(() => this.#flush())
    this.#texts.set(sender, (this.#texts.get(sender) ?? '') + text)
  }

  #flush(): void {
    for (const [sender, text] of this.#texts) sender.send(text)
    this.#texts.clear()
  }
}
