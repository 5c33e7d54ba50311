/** What `/metrics` says of each interceptor. */
import type { InterceptorStatus } from '../pipeline/guarded-interceptor.js'
import type { MetricFamily } from './metrics.js'

const LABELS = ['plugin', 'interceptor'] as const
const BREAKER = { closed: 0, 'half-open': 1, open: 2 } as const

export function interceptorMetrics(interceptors: { statuses(): readonly InterceptorStatus[] }): MetricFamily[] {
  const family = (name: string, help: string, value: (it: InterceptorStatus) => number): MetricFamily => ({
    name: `interceptor_${name}`,
    help,
    labels: LABELS,
    read: () => interceptors.statuses().map((it) => ({ of: { plugin: it.plugin, interceptor: it.name }, value: value(it) })),
  })
  return [
    family('calls_total', 'Calls of an interceptor', (it) => it.calls),
    family('rejections_total', 'Stanzas it rejected', (it) => it.rejections),
    family('errors_total', 'Calls that failed', (it) => it.errors),
    family('overruns_total', 'Calls that took longer than the budget, or may have', (it) => it.overruns),
    family('skipped_total', 'Calls left out while its circuit breaker was open', (it) => it.skipped),
    family('seconds_total', 'Time spent in it, from a sample of its calls', (it) => it.totalMs / 1000),
    family('breaker_state', 'Circuit breaker: 0 closed, 1 half-open, 2 open', (it) => BREAKER[it.breaker]),
    family('off', '1 while an administrator has switched it off', (it) => (it.off ? 1 : 0)),
  ]
}
