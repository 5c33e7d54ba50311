/** Medians of the rounds: one figure for each part of each scenario on each server. */
import type { Part } from '../generator/request.js'
import { type Latency, median } from '../measure/statistics.js'
import type { RunRecord } from '../run/run-record.js'

export const OURS = 'beaconfire'
/** What the machine allows, and nobody's rival. */
export const CEILING = 'relay'

export type Unit = 'per CPU-s' | 'per s' | 'KiB each' | 'MB'

/** One line of the table. */
export interface Figure {
  /** Scenario, and its part where it has several. */
  readonly line: string
  readonly scenario: string
  readonly server: string
  /** The figure to compare. Memory is better when smaller, all else when larger. */
  readonly value: number | undefined
  readonly unit: Unit
  readonly perSecond: number | undefined
  readonly latency: Latency | undefined
  /** Until senders knew that their messages were taken. */
  readonly acknowledgement: Latency | undefined
  readonly serverShare: number | undefined
  readonly generatorShare: number | undefined
  readonly otherShare: number | undefined
  readonly loopDelay: { readonly p99: number | undefined; readonly max: number | undefined }
  readonly good: number
  readonly all: number
}

/** In the order in which scenarios and servers first ran. */
export function figuresOf(runs: readonly RunRecord[]): Figure[] {
  const groups = new Map<string, RunRecord[]>()
  for (const run of runs) {
    const key = `${run.scenario}\t${run.server}`
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  return [...groups.values()].flatMap(figuresOfGroup)
}

/** True for servers that ours is compared with. */
export function isPeer(server: string): boolean {
  return server !== OURS && server !== CEILING
}

/** How much better `figure` is than `other`: 2 is twice as good. */
export function ratioOf(figure: Pick<Figure, 'value' | 'unit'>, other: Pick<Figure, 'value' | 'unit'>): number | undefined {
  if (!figure.value || !other.value || figure.unit !== other.unit) return undefined
  return isMemory(figure.unit) ? other.value / figure.value : figure.value / other.value
}

export function isMemory(unit: Unit): boolean {
  return unit === 'KiB each' || unit === 'MB'
}

function figuresOfGroup(runs: RunRecord[]): Figure[] {
  const good = runs.filter((it) => it.ok)
  const names = new Set(good.flatMap((run) => run.parts.map((it) => it.name)))
  if (names.size === 0) names.add('')
  if (runs[0]?.workload.kind === 'idle') return idleFigures(runs, good)
  return [...names].map((name) => {
    const part = (read: (part: Part) => number | undefined) => median(good.map((run) => run.parts.filter((it) => it.name === name).map(read)[0]))
    const perCpuSecond = part((it) => it.perCpuSecond)
    const perSecond = part((it) => it.perSecond)
    return {
      ...shared(runs, good, name),
      value: perCpuSecond ?? perSecond,
      unit: perCpuSecond === undefined && perSecond !== undefined ? 'per s' : 'per CPU-s',
      perSecond,
      serverShare: part((it) => it.serverShare),
      generatorShare: part((it) => it.generatorShare),
      otherShare: part((it) => it.otherShare),
    }
  })
}

function idleFigures(runs: RunRecord[], good: RunRecord[]): Figure[] {
  const nothing = {
    perSecond: undefined,
    serverShare: median(good.map((it) => it.idle?.quietShare)),
    generatorShare: undefined,
    otherShare: undefined,
  }
  const each = median(good.map((it) => it.idle?.bytesPerConnection))
  const started = median(good.map((it) => it.idle?.memoryAfterStartKib))
  return [
    { ...shared(runs, good, ''), ...nothing, value: each && each / 1024, unit: 'KiB each' },
    { ...shared(runs, good, 'after-start'), ...nothing, value: started && started / 1024, unit: 'MB' },
  ]
}

function shared(runs: RunRecord[], good: RunRecord[], part: string) {
  const { scenario = '', server = '' } = runs[0] ?? {}
  const latencies = good.map((run) => run.parts.find((it) => it.name === part)?.latency ?? run.latency)
  return {
    line: part === '' ? scenario : `${scenario}-${part}`,
    scenario,
    server,
    latency: medianLatency(latencies),
    acknowledgement: medianLatency(good.map((run) => run.acknowledgement)),
    loopDelay: { p99: median(good.map((it) => it.eventLoopDelay?.p99)), max: median(good.map((it) => it.eventLoopDelay?.max)) },
    good: good.length,
    all: runs.length,
  }
}

function medianLatency(latencies: readonly (Latency | undefined)[]): Latency | undefined {
  const quantile = (name: keyof Latency) => median(latencies.map((it) => it?.[name])) ?? 0
  if (latencies.every((it) => it === undefined)) return undefined
  return { p50: quantile('p50'), p95: quantile('p95'), p99: quantile('p99'), max: quantile('max') }
}
