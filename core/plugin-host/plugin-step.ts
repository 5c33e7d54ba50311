/** One step in the life of a plugin: within its time, named in the error where it fails, and in the log where it blocks the server. */
import { isPromise, type Logger, type MaybePromise } from '@beaconfire/plugin-sdk'
import { withinLimit } from '../pipeline/time-limit.js'

/** What keeps the server from doing anything else for so long is worth a line in the log, in ms. */
const BLOCKING_MS = 200

export class PluginSteps {
  readonly #log: Logger
  readonly #plugin: string

  constructor(log: Logger, plugin: string) {
    this.#log = log
    this.#plugin = plugin
  }

  /**
   * Synchronous where the plugin is.
   * @param what names the step, such as `start()`
   * @throws Error (or rejects) with that name in the message; its cause has the stack that says where
   */
  run<T>(what: string, work: () => MaybePromise<T>, limitMs?: number): MaybePromise<T> {
    const failed = (error: unknown): never => {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(reason.startsWith(what) ? reason : `${what} failed: ${reason}`, { cause: error })
    }
    try {
      const done = namedIfBlocking(this.#log, { plugin: this.#plugin, step: what }, work)
      return isPromise(done) ? withinLimit(what, () => done, limitMs).catch(failed) : done
    } catch (error) {
      return failed(error)
    }
  }
}

/** Calls a plugin, and says in the log where its synchronous part has taken long: nothing can end that, and nothing else runs meanwhile. */
export function namedIfBlocking<T>(log: Logger, fields: object, call: () => T): T {
  const startedAt = performance.now()
  try {
    return call()
  } finally {
    const ms = performance.now() - startedAt
    if (ms >= BLOCKING_MS) log.warn({ ...fields, ms: Math.round(ms) }, 'a plugin kept the whole server waiting')
  }
}
