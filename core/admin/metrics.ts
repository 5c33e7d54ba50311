/** What `/metrics` shows in Prometheus' text format: the process's figures, and what core and plugins count. */
import type { Logger, Metrics } from '@beaconfire/plugin-sdk'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

const NAME = /^[a-z][a-z0-9_]*$/

type Metric = Counter | Gauge

export interface MetricFamily {
  /** snake_case; one that ends in `_total` is a counter, another a gauge. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  read(): readonly { readonly of: Record<string, string>; readonly value: number }[]
}

export class MetricsRegistry {
  readonly #registry = new Registry()
  /** By full name, newest last: while a plugin is reloaded two versions have metrics, and the newer's are shown. */
  readonly #owned = new Map<string, Metric[]>()
  readonly #log: Logger | undefined

  /** The process's own figures are read when asked for; none of them keeps the process alive. */
  constructor(log?: Logger) {
    this.#log = log
    collectDefaultMetrics({ register: this.#registry })
  }

  /** Metrics named `beaconfire_<name>_…`, and what removes them at unload. */
  forPlugin(name: string): { readonly metrics: Metrics; readonly dispose: () => void } {
    const mine = new Map<string, Metric>()
    const add = <M extends Metric>(metric: string, make: (fullName: string) => M): M => {
      if (!NAME.test(metric)) throw new TypeError(`metric "${metric}" is not in snake_case`)
      const fullName = `beaconfire_${name.replaceAll('-', '_')}_${metric}`
      if (mine.has(fullName)) throw new TypeError(`metric "${metric}" exists already`)
      const made = make(fullName)
      mine.set(fullName, made)
      this.#show(fullName, [...(this.#owned.get(fullName) ?? []), made])
      return made
    }
    const metrics: Metrics = {
      counter: (metric, help) => {
        const counter = add(metric, (fullName) => new Counter({ name: fullName, help, registers: [] }))
        return { increment: (by = 1) => counter.inc(by) }
      },
      gauge: (metric, help, read) => {
        add(metric, (fullName) => this.#gauge(fullName, help, read))
      },
    }
    return { metrics, dispose: () => this.#dispose(mine) }
  }

  /** Core's own figures of many things of one kind, such as all interceptors; read when metrics are collected. */
  family({ name, help, labels, read }: MetricFamily): void {
    const settings = { name: `beaconfire_${name}`, help, labelNames: [...labels], registers: [this.#registry] }
    if (name.endsWith('_total')) {
      const counter: Counter = new Counter({
        ...settings,
        collect() {
          counter.reset()
          for (const { of, value } of read()) counter.inc(of, value)
        },
      })
      return
    }
    const gauge: Gauge = new Gauge({
      ...settings,
      collect() {
        gauge.reset()
        for (const { of, value } of read()) gauge.set(of, value)
      },
    })
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** One plugin's gauge that throws is NaN, and hides nobody else's figures. */
  #gauge(name: string, help: string, read: () => number): Gauge {
    const collect = () => {
      try {
        gauge.set(read())
      } catch (error) {
        gauge.set(Number.NaN)
        this.#log?.warn({ metric: name, error }, 'a gauge could not be read')
      }
    }
    const gauge: Gauge = new Gauge({ name, help, registers: [], collect })
    return gauge
  }

  #dispose(mine: Map<string, Metric>): void {
    for (const [name, metric] of mine) {
      const left = (this.#owned.get(name) ?? []).filter((it) => it !== metric)
      this.#show(name, left)
    }
    mine.clear()
  }

  #show(name: string, metrics: Metric[]): void {
    this.#registry.removeSingleMetric(name)
    const newest = metrics.at(-1)
    if (newest) {
      this.#owned.set(name, metrics)
      this.#registry.registerMetric(newest)
    } else {
      this.#owned.delete(name)
    }
  }
}
