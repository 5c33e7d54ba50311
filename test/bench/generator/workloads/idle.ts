/** Many sessions that do nothing: what each holds in memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { round } from '../../measure/statistics.js'
import { eachOf, range } from '../crowd.js'
import type { Reading } from '../meter.js'
import type { IdleFigures, IdleWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

/** Doing nothing is watched for so long. */
const QUIET_MS = 2000

export async function idle(work: IdleWorkload, { crowd, meter }: WorkloadContext): Promise<WorkloadOutcome> {
  const users = range(0, work.connections)
  await crowd.learnKeys(users)
  const { memory } = meter.read() // before `begin` asks for metrics, which nobody has to do
  const start = await meter.begin()
  await eachOf(users, work.concurrency, (index) => crowd.logIn(crowd.connection(index)))
  await sleep(work.holdSeconds * 1000)
  const full = await meter.end('', work.connections, start)
  await sleep(QUIET_MS)
  return { idle: figures(work.connections, memory?.residentKib, start, full, meter.read()) }
}

function figures(
  connections: number,
  memoryAfterStartKib: number | undefined,
  start: Reading,
  full: Reading,
  quiet: Reading,
): IdleFigures | undefined {
  if (memoryAfterStartKib === undefined || !start.memory || !full.memory) return undefined
  return {
    bytesPerConnection: Math.round(((full.memory.residentKib - start.memory.residentKib) * 1024) / connections),
    proportionalBytesPerConnection: Math.round(((full.memory.proportionalKib - start.memory.proportionalKib) * 1024) / connections),
    memoryAfterStartKib,
    quietShare: round(((quiet.serverSeconds ?? 0) - (full.serverSeconds ?? 0)) / ((quiet.taken - full.taken) / 1000)),
  }
}
