/** Status changes of one user, to all contacts. Figures count deliveries. */
import { latencyOf } from '../../measure/statistics.js'
import type { ClientConnection } from '../client-connection.js'
import { range } from '../crowd.js'
import { Deliveries } from '../deliveries.js'
import type { MarkedBodies, SequenceCheck } from '../marked-bodies.js'
import type { PresenceWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

export async function presence(work: PresenceWorkload, { crowd, meter, bodies, progress }: WorkloadContext): Promise<WorkloadOutcome> {
  const everyone = range(0, work.contacts + 1)
  await crowd.learnKeys(everyone)
  progress('logging in')
  const { resources = 1 } = work
  const contacts = await (resources === 1 ? crowd.sessions(everyone.slice(1)) : crowd.manySessions(everyone.slice(1), resources, true))
  const [user] = await crowd.sessions([0])
  if (!user) throw new RangeError('presence needs a user')
  const broadcast = new Broadcast(user, contacts, bodies)
  await Promise.race([broadcast.run(work.warmup, work.window), crowd.failed])
  progress('measuring')
  const start = await meter.begin()
  const latencies = await Promise.race([broadcast.run(work.broadcasts, work.window), crowd.failed])
  await meter.end('', latencies.length, start)
  await Promise.all(contacts.map((it) => it.ping()))
  broadcast.finish()
  return { latency: latencyOf(latencies) }
}

/** Status changes, at most `window` of them not yet seen by every contact. */
class Broadcast {
  readonly #user: ClientConnection
  readonly #bodies: MarkedBodies
  readonly #checks: readonly SequenceCheck[]
  /** When each status left and how many contacts have not seen it, by sequence number. */
  readonly #left: number[] = []
  readonly #unseen: number[] = []
  #latencies: number[] = []
  #deliveries = new Deliveries(0)
  #last = 0

  constructor(user: ClientConnection, contacts: readonly ClientConnection[], bodies: MarkedBodies) {
    this.#user = user
    this.#bodies = bodies
    this.#checks = contacts.map((contact) => {
      const check = bodies.sequence()
      contact.handler = (stanza) => this.#receive(stanza, check)
      return check
    })
  }

  async run(count: number, window: number): Promise<number[]> {
    this.#latencies = []
    this.#deliveries = new Deliveries(count * this.#checks.length)
    this.#last = this.#left.length + count
    for (let at = 0; at < Math.min(window, count); at++) this.#send()
    await this.#deliveries.done
    return this.#latencies
  }

  finish(): void {
    for (const check of this.#checks) check.finish(this.#left.length)
  }

  #send(): void {
    const sequence = this.#left.length
    this.#left.push(performance.now())
    this.#unseen.push(this.#checks.length)
    this.#user.send(`<presence><status>${this.#bodies.text(0, sequence)}</status></presence>`)
  }

  #receive(stanza: string, check: SequenceCheck): void {
    const mark = this.#bodies.read(stanza)
    if (!mark || !check.accept(mark.sequence)) return
    this.#latencies.push(performance.now() - (this.#left[mark.sequence] ?? 0))
    const unseen = (this.#unseen[mark.sequence] ?? 0) - 1
    this.#unseen[mark.sequence] = unseen
    if (unseen === 0 && this.#left.length < this.#last) this.#send()
    this.#deliveries.count()
  }
}
