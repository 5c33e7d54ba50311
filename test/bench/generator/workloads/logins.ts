/** TCP connection, stream, SASL, stream, binding, presence, and a ping after it answered. Connections stay open until the end. */
import { latencyOf } from '../../measure/statistics.js'
import { eachOf, range } from '../crowd.js'
import type { LoginsWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

export async function logins(work: LoginsWorkload, { crowd, meter, progress }: WorkloadContext): Promise<WorkloadOutcome> {
  const users = range(0, work.users)
  await crowd.learnKeys(users)
  if (work.areKnown) {
    progress('logging in for the first time')
    await eachOf(users, work.concurrency, (index) => crowd.visit(index, work.mechanism))
    progress('measuring')
  }
  const latencies: number[] = []
  const start = await meter.begin()
  await eachOf(users, work.concurrency, async (index) => {
    const began = performance.now()
    await crowd.logIn(crowd.connection(index), work.mechanism)
    latencies.push(performance.now() - began)
  })
  await meter.end('', work.users, start)
  return { latency: latencyOf(latencies) }
}
