/** Timers of one plugin, cancelled with it. What a callback throws is logged with the plugin's name. */
import type { Logger, Timer, Timers } from '@beaconfire/plugin-sdk'
import { namedIfBlocking } from './plugin-step.js'

/** The longest that Node waits in one go; what is longer it takes for 1 ms. */
const LONGEST_MS = 2 ** 31 - 1

export class PluginTimers implements Timers {
  readonly #running = new Set<NodeJS.Timeout>()
  readonly #log: Logger
  #isOver = false

  constructor(log: Logger) {
    this.#log = log
  }

  after(ms: number, run: () => void | Promise<void>): Timer {
    return this.#arm(ms, run, false)
  }

  every(ms: number, run: () => void | Promise<void>): Timer {
    return this.#arm(ms, run, true)
  }

  /** Cancels all; timers asked for later never fire. */
  cancelAll(): void {
    this.#isOver = true
    for (const timer of this.#running) clearTimeout(timer)
    this.#running.clear()
  }

  /** A time that has passed is due at once. @throws RangeError */
  #arm(ms: number, run: () => void | Promise<void>, again: boolean): Timer {
    if (!Number.isFinite(ms)) throw new RangeError(`a timer needs a number of milliseconds, not ${ms}`)
    let timer: NodeJS.Timeout | undefined
    let isCancelled = this.#isOver
    const fire = async () => {
      if (timer) this.#running.delete(timer)
      try {
        await namedIfBlocking(this.#log, { step: 'a timer' }, run)
      } catch (error) {
        this.#log.error({ error }, 'a timer of the plugin failed')
      }
      // Armed anew only after the run, so that two never overlap.
      if (again) schedule()
    }
    const schedule = (left = ms) => {
      if (isCancelled || this.#isOver) return
      const isLast = left <= LONGEST_MS
      timer = setTimeout(() => (isLast ? void fire() : goOn(left - LONGEST_MS)), isLast ? Math.max(left, 0) : LONGEST_MS)
      // A server that has closed its listeners must not wait for a plugin's next round.
      timer.unref()
      this.#running.add(timer)
    }
    const goOn = (left: number) => {
      if (timer) this.#running.delete(timer)
      schedule(left)
    }
    schedule()
    return {
      cancel: () => {
        isCancelled = true
        if (timer) this.#running.delete(timer)
        clearTimeout(timer)
      },
    }
  }
}
