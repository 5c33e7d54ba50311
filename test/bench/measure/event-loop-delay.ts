/** Delay of the server's event loop, as its `/metrics` shows it. */
import type { MetricsSource } from '../generator/request.js'

/** The sampling interval of Node's histogram, which its values contain: an idle loop reads 10 ms. */
const RESOLUTION_MS = 10

/**
 * Percentiles in ms since the last reading: reading starts the histogram anew.
 * @throws when the server does not answer; undefined when it does not offer the figure
 */
export async function readEventLoopDelay(source: MetricsSource): Promise<{ p99: number; max: number } | undefined> {
  const response = await fetch(source.url, { headers: { authorization: `Bearer ${source.token}` } })
  if (!response.ok) throw new Error(`${source.url} answered ${response.status}`)
  const text = await response.text()
  const p99 = gauge(text, 'nodejs_eventloop_lag_p99_seconds')
  const max = gauge(text, 'nodejs_eventloop_lag_max_seconds')
  return p99 === undefined || max === undefined ? undefined : { p99, max }
}

function gauge(text: string, name: string): number | undefined {
  const line = text.split('\n').find((it) => it.startsWith(`${name} `))
  if (!line) return undefined
  const milliseconds = Number(line.slice(name.length + 1)) * 1000 - RESOLUTION_MS
  return Number.isFinite(milliseconds) ? Math.max(0, Math.round(milliseconds * 100) / 100) : undefined
}
