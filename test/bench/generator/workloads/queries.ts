/** The chat log through the admin API: a user's messages of some time, and a word in a user's messages. */
import { latencyOf } from '../../measure/statistics.js'
import { FILLED } from '../../servers/filled-rows.js'
import type { MetricsSource, QueriesWorkload } from '../request.js'
import type { WorkloadContext, WorkloadOutcome } from './context.js'

/** Before the measured queries of each kind, so that neither a cold cache nor code not yet compiled is measured. */
const WARMUP = 5

export async function queries(
  work: QueriesWorkload,
  { crowd, meter, progress }: WorkloadContext,
  api: MetricsSource | undefined,
): Promise<WorkloadOutcome> {
  if (!api) throw new Error('queries need the admin API of the server')
  const from = new Date(FILLED.from).toISOString()
  const to = new Date(FILLED.from + FILLED.spanMs / 10).toISOString()
  const kinds: Record<string, (user: string) => Record<string, string>> = {
    'user-time': (user) => ({ user, from, to }),
    text: (user) => ({ user, text: FILLED.rareWord }),
  }
  for (const [name, parameters] of Object.entries(kinds)) {
    progress(name)
    for (let at = 0; at < WARMUP; at++) await ask(api, parameters(crowd.bare(at)))
    const latencies: number[] = []
    const start = await meter.begin()
    for (let at = 0; at < work.each; at++) {
      const began = performance.now()
      await ask(api, parameters(crowd.bare(at % FILLED.users)))
      latencies.push(performance.now() - began)
    }
    await meter.end(name, work.each, start, latencyOf(latencies))
  }
  return {}
}

async function ask({ url, token }: MetricsSource, parameters: Record<string, string>): Promise<void> {
  const address = new URL(`/api/v1/chatlogs?${new URLSearchParams(parameters)}`, url)
  const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` } })
  const body = (await answer.json()) as { items?: readonly unknown[] }
  if (!answer.ok || !body.items?.length)
    throw new Error(`${address.pathname}${address.search}: ${answer.status}, ${body.items?.length ?? 'no'} messages`)
}
