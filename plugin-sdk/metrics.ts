/** Counters and gauges of a plugin, shown at `/metrics` as `beaconfire_<plugin>_<name>`; gone with the plugin. */
export interface Counter {
  increment(by?: number): void
}

export interface Metrics {
  /** @param name snake_case, ending in `_total` */
  counter(name: string, help: string): Counter
  /** `read` is called when metrics are collected. */
  gauge(name: string, help: string, read: () => number): void
}
