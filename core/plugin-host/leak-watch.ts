/**
 * Looks whether versions of plugins that have stopped are ever let go of. What still holds one (a listener somewhere, a timer that is
 * not `context.timers`', a list in another module) holds all that version knew. Node keeps the modules themselves for ever; that is no leak
 * of the plugin's, and is not counted.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import type { Logger } from '@beaconfire/plugin-sdk'

/** A version that is reachable after so many full collections is taken for leaked. */
const COLLECTIONS = 3
/** The first report of a plugin comes at so many versions, the next whenever they have doubled. */
const REPORTED_FROM = 3

interface Retired {
  readonly plugin: string
  readonly version: string
  readonly context: WeakRef<object>
  collections: number
}

export class LeakWatch {
  readonly #log: Logger
  readonly #onCount: (plugin: string, versions: number) => void
  #retired: readonly Retired[] = []
  readonly #counts = new Map<string, number>()
  readonly #reported = new Map<string, number>()
  #observer: PerformanceObserver | undefined

  /** @param onCount told when the number of a plugin's leaked versions has changed */
  constructor(log: Logger, onCount: (plugin: string, versions: number) => void) {
    this.#log = log
    this.#onCount = onCount
  }

  /** @param context what only this version was given */
  retired(plugin: string, version: string, context: object): void {
    this.#retired = [...this.#retired, { plugin, version, context: new WeakRef(context), collections: 0 }]
    if (this.#observer) return
    this.#observer = new PerformanceObserver((list) => {
      const isFull = (detail: unknown) => (detail as { kind?: number } | undefined)?.kind === constants.NODE_PERFORMANCE_GC_MAJOR
      const full = list.getEntries().filter((it) => isFull((it as { readonly detail?: unknown }).detail)).length
      if (full > 0) this.collected(full)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** The heap was collected as a whole `times` times. */
  collected(times: number): void {
    for (const it of this.#retired) it.collections += times
    this.#retired = this.#retired.filter((it) => it.context.deref() !== undefined)
    const counts = new Map<string, number>()
    for (const { plugin, collections } of this.#retired) {
      if (collections >= COLLECTIONS) counts.set(plugin, (counts.get(plugin) ?? 0) + 1)
    }
    for (const plugin of new Set([...counts.keys(), ...this.#counts.keys()])) this.#count(plugin, counts.get(plugin) ?? 0)
    if (this.#retired.length === 0) this.close()
  }

  close(): void {
    this.#observer?.disconnect()
    this.#observer = undefined
  }

  #count(plugin: string, versions: number): void {
    if (this.#counts.get(plugin) === versions) return
    if (versions === 0) this.#counts.delete(plugin)
    else this.#counts.set(plugin, versions)
    this.#onCount(plugin, versions)
    if (versions < REPORTED_FROM || versions < 2 * (this.#reported.get(plugin) ?? 0)) return
    this.#reported.set(plugin, versions)
    const oldest = this.#retired.find((it) => it.plugin === plugin)?.version
    this.#log.warn(
      { plugin, versions, oldest },
      'stopped versions of the plugin are still held by something, and their memory with them; look for listeners, timers and lists that stop() leaves behind',
    )
  }
}
