/** Metrics of a version that is not serving yet: two versions of a plugin live side by side in a reload, a metric's name is there once. */
import type { Counter, Metrics } from '@beaconfire/plugin-sdk'

/** What the server gives each plugin: its metrics, and their removal. */
export type MetricsSource = (plugin: string) => { readonly metrics: Metrics; dispose(): void }

class DeferredCounter implements Counter {
  #target: Counter | undefined
  #counted = 0

  increment(by = 1): void {
    if (this.#target) this.#target.increment(by)
    else this.#counted += by
  }

  attach(target: Counter | undefined): void {
    this.#target = target
    if (target && this.#counted > 0) target.increment(this.#counted)
    this.#counted = 0
  }
}

export class DeferredMetrics implements Metrics {
  readonly #counters: { readonly name: string; readonly help: string; readonly counter: DeferredCounter }[] = []
  readonly #gauges: { readonly name: string; readonly help: string; readonly read: () => number }[] = []
  #live: ReturnType<MetricsSource> | undefined

  counter(name: string, help: string): Counter {
    const counter = new DeferredCounter()
    if (this.#live) counter.attach(this.#live.metrics.counter(name, help))
    this.#counters.push({ name, help, counter })
    return counter
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#live?.metrics.gauge(name, help, read)
    this.#gauges.push({ name, help, read })
  }

  /** Shows them. The version before must have been hidden. @throws what `source` throws, for a name that is taken */
  show(source: ReturnType<MetricsSource>): void {
    this.#live = source
    for (const { name, help, counter } of this.#counters) counter.attach(source.metrics.counter(name, help))
    for (const { name, help, read } of this.#gauges) source.metrics.gauge(name, help, read)
  }

  hide(): void {
    this.#live?.dispose()
    this.#live = undefined
    for (const { counter } of this.#counters) counter.attach(undefined)
  }
}
