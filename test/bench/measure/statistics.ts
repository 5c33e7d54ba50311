/** Medians and percentiles of what was measured. */

/** Latencies in ms. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export function round(value: number, digits = 3): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

/** @returns undefined without samples */
export function latencyOf(samples: ArrayLike<number>): Latency | undefined {
  if (samples.length === 0) return undefined
  const sorted = Float64Array.from(samples).sort()
  const at = (quantile: number) => round(sorted[Math.min(sorted.length - 1, Math.ceil(quantile * sorted.length) - 1)] ?? 0)
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

/** Ignores what was not measured. @returns undefined when nothing was */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((it): it is number => it !== undefined && Number.isFinite(it)).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) return undefined
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, it) => sum + Math.log(it), 0) / values.length)
}
