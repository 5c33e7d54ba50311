/** The generator process: one request as JSON on stdin, one result as JSON on stdout, progress as lines on stderr. */
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Crowd } from './crowd.js'
import { MarkedBodies } from './marked-bodies.js'
import { Meter } from './meter.js'
import type { GeneratorRequest, GeneratorResult } from './request.js'
import type { WorkloadContext, WorkloadOutcome } from './workloads/context.js'
import { idle } from './workloads/idle.js'
import { logins } from './workloads/logins.js'
import { messages } from './workloads/messages.js'
import { offline } from './workloads/offline.js'
import { presence } from './workloads/presence.js'
import { provision } from './workloads/provision.js'
import { queries } from './workloads/queries.js'
import { roster } from './workloads/roster.js'

function perform({ workload, metrics }: GeneratorRequest, context: WorkloadContext): Promise<WorkloadOutcome> {
  switch (workload.kind) {
    case 'logins':
      return logins(workload, context)
    case 'messages':
      return messages(workload, context)
    case 'offline':
      return offline(workload, context)
    case 'idle':
      return idle(workload, context)
    case 'presence':
      return presence(workload, context)
    case 'roster':
      return roster(workload, context)
    case 'queries':
      return queries(workload, context, metrics)
    case 'provision':
      return provision(workload, context)
  }
}

async function run(request: GeneratorRequest): Promise<GeneratorResult> {
  const crowd = new Crowd(request)
  const meter = new Meter(request)
  const bodies = new MarkedBodies()
  const progress = (line: string) => void process.stderr.write(`${line}\n`)
  const deadline = new AbortController()
  const outcome = await Promise.race([
    perform(request, { crowd, meter, bodies, target: request.target, progress }),
    crowd.failed,
    sleep(request.timeoutSeconds * 1000, undefined, { signal: deadline.signal }).then(() => new Error(`not done after ${request.timeoutSeconds} s`)),
  ]).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  deadline.abort()
  crowd.keys.save()
  await crowd.closeAll()
  const { faults } = bodies
  const shared = { faults, parts: meter.parts, eventLoopDelay: meter.eventLoopDelay }
  if (outcome instanceof Error) {
    bodies.giveUp()
    return { ok: false, error: `${outcome.message}; ${describe(faults)}`, ...shared }
  }
  const ok = faults.lost + faults.duplicated + faults.outOfOrder + faults.errors === 0
  return { ok, ...(ok ? {} : { error: describe(faults) }), ...shared, ...outcome }
}

function describe({ lost, duplicated, outOfOrder, errors }: GeneratorResult['faults']): string {
  return `${lost} lost, ${duplicated} duplicated, ${outOfOrder} out of order, ${errors} errors`
}

const result = await run(JSON.parse(await text(process.stdin)) as GeneratorRequest)
// Connections that were destroyed may linger, and a run that hung has its timers.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
