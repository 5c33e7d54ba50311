/** Messages between pairs of users, each to the full JID of its partner. */
import { latencyOf } from '../../measure/statistics.js'
import { type Crowd, range } from '../crowd.js'
import type { MessagesWorkload } from '../request.js'
import { closedLoop } from './closed-loop.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'
import { MessagePair } from './message-pair.js'
import { offend } from './offenders.js'
import { openLoop } from './open-loop.js'

/** In flight for each pair while the server warms up, however many the measured part has. */
const WARMUP_WINDOW = 10
/** As many accounts as the idle scenarios need. */
export const BYSTANDING_USERS = 2500

export async function messages(work: MessagesWorkload, { crowd, meter, bodies, target, progress }: WorkloadContext): Promise<WorkloadOutcome> {
  const users = range(0, 2 * work.pairs)
  await crowd.learnKeys(users)
  progress('logging in')
  const sessions = await crowd.sessions(users)
  await standBy(crowd, work.bystanders ?? 0, users.length)
  const pairs = MessagePair.of(sessions, bodies, work.bytes)
  if (work.isAcknowledged) {
    await Promise.all(sessions.map((it) => it.enableStreamManagement()))
    for (const pair of pairs) pair.acknowledged()
  }
  const { pace } = work
  progress('warming up')
  await Promise.race([closedLoop(pairs, { each: work.warmup, window: 'window' in pace ? pace.window : WARMUP_WINDOW }), crowd.failed])
  const offence = work.offenders && (await offend(work.offenders, users.length, crowd, target))
  progress('measuring')
  const start = await meter.begin()
  for (const pair of pairs) pair.acknowledgements.length = 0
  const run = 'rate' in pace ? openLoop(pairs, pace) : closedLoop(pairs, pace)
  const { latencies, sentLate } = await Promise.race([run, crowd.failed])
  await meter.end('', latencies.length, start)
  const closedOffenders = await offence?.stop()
  // What was sent twice comes after all: nothing more may follow.
  await Promise.all(sessions.map((it) => it.ping()))
  for (const pair of pairs) pair.finish()
  const acknowledged = pairs.flatMap((it) => it.acknowledgements)
  if (work.offenders?.mustBeClosed && closedOffenders !== work.offenders.count) {
    throw new Error(`the server has closed ${closedOffenders} of ${work.offenders.count} that it should have closed`)
  }
  return { latency: latencyOf(latencies), ...(work.isAcknowledged ? { acknowledgement: latencyOf(acknowledged) } : {}), sentLate, closedOffenders }
}

/** They are users of their own as far as there are, and of several resources beyond. */
async function standBy(crowd: Crowd, count: number, from: number): Promise<void> {
  if (count === 0) return
  const each = Math.ceil(count / BYSTANDING_USERS)
  const users = range(from, Math.ceil(count / each))
  await crowd.learnKeys(users)
  await crowd.manySessions(users, each, false)
}
