/** A long roster (RFC 6121 §2.1.4), asked for again and again: what it costs, and how long it keeps the others waiting. */
import { latencyOf } from '../../measure/statistics.js'
import type { ClientConnection } from '../client-connection.js'
import { eachOf, range } from '../crowd.js'
import type { RosterWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

export async function roster(work: RosterWorkload, { crowd, meter, progress }: WorkloadContext): Promise<WorkloadOutcome> {
  await crowd.learnKeys([0])
  const [user] = await crowd.sessions([0])
  if (!user) throw new RangeError('a roster needs a user')
  progress('adding contacts')
  await addMissing(user, work.contacts)
  progress('measuring')
  const latencies: number[] = []
  const start = await meter.begin()
  for (let request = 0; request < work.requests; request++) {
    const began = performance.now()
    const answer = await Promise.race([user.iq('get', "<query xmlns='jabber:iq:roster'/>"), crowd.failed])
    latencies.push(performance.now() - began)
    if (itemsIn(answer) < work.contacts) throw new Error(`the roster has ${itemsIn(answer)} of ${work.contacts} items`)
  }
  await meter.end('', work.requests, start)
  return { latency: latencyOf(latencies) }
}

/** Users of a server that nobody has heard of: a roster asks nobody. */
async function addMissing(user: ClientConnection, contacts: number): Promise<void> {
  const before = itemsIn(await user.iq('get', "<query xmlns='jabber:iq:roster'/>"))
  await eachOf(range(before, Math.max(0, contacts - before)), 20, (index) =>
    user.iq(
      'set',
      `<query xmlns='jabber:iq:roster'><item jid='contact${index}@elsewhere.example' name='Contact ${index}'><group>All</group></item></query>`,
    ),
  )
}

function itemsIn(roster: string): number {
  return roster.split('<item ').length - 1
}
