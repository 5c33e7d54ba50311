/**
 * An interceptor under watch: its errors are logged with its plugin's name, its time is measured, and a circuit breaker
 * takes it out of the way while it keeps failing (design §2).
 */
import { type Crossing, type Logger, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'

/** Errors or overruns in a row that open the breaker, unless the interceptor says otherwise. */
const FAILURES_TO_OPEN = 5
/** How long an open breaker skips the interceptor before one stanza tries it again, in ms, unless it says otherwise. */
const RETRY_AFTER_MS = 10_000
const DEFAULT_BUDGET_MS = 1000

export type BreakerState = 'closed' | 'open' | 'half-open'

/** What an operator sees of an interceptor. Counts and times go on across reloads of its plugin. */
export interface InterceptorStatus {
  readonly name: string
  readonly plugin: string
  readonly band: string
  /** True while an operator has switched it off. */
  readonly off: boolean
  readonly breaker: BreakerState
  readonly onError: 'open' | 'closed'
  /** Time one call may take, in ms. */
  readonly budget: number
  readonly calls: number
  readonly rejections: number
  readonly errors: number
  /** Calls that took longer than the budget. Those that were timed together with others count for each that may have been it. */
  readonly overruns: number
  /** Calls left out while the breaker was open. */
  readonly skipped: number
  /**
   * Time spent in it, in ms; of an asynchronous one the synchronous part. Where several are called for a stanza, one call in sixteen is
   * timed, and stands for those since the last that was.
   */
  readonly totalMs: number
  /** The longest that a call that was timed has kept the server from doing anything else, in ms. */
  readonly slowestMs: number
  readonly lastError: string | undefined
}

/** What is counted of one interceptor, by whichever version of its plugin. */
export class InterceptorCounters {
  calls = 0
  rejections = 0
  errors = 0
  overruns = 0
  skipped = 0
  totalMs = 0
  slowestMs = 0
  lastError: string | undefined
}

export class GuardedInterceptor {
  readonly plugin: string
  readonly interceptor: PacketInterceptor
  /** `plugin/name`: how it is called everywhere. */
  readonly key: string
  readonly counters: InterceptorCounters
  readonly budget: number
  /** What is called: the interceptor, or it and its shadow. */
  called: PacketInterceptor
  /** 0 while the breaker is closed; else until when it is open, by `performance.now()`. */
  openUntil = 0
  /**
   * Calls that failed or overran since the last that was good: not 0 while the breaker is open. The one thing looked at before each call
   * of a run that is timed as a whole.
   */
  failuresInRow = 0
  readonly #log: Logger
  readonly #failuresToOpen: number
  readonly #retryAfter: number
  /** Calls since the last that was timed. */
  #untimed = 0

  constructor(plugin: string, interceptor: PacketInterceptor, log: Logger, counters = new InterceptorCounters()) {
    this.plugin = plugin
    this.interceptor = interceptor
    this.called = interceptor
    this.key = `${plugin}/${interceptor.name}`
    this.counters = counters
    this.budget = interceptor.budget ?? DEFAULT_BUDGET_MS
    this.#failuresToOpen = interceptor.breaker?.failures ?? FAILURES_TO_OPEN
    this.#retryAfter = interceptor.breaker?.retryAfter ?? RETRY_AFTER_MS
    this.#log = log
  }

  /** True when a single failure opens the breaker. */
  get opensAtOnce(): boolean {
    return this.#failuresToOpen <= 1
  }

  /** Once the time is up, one stanza tries the interceptor; the others go on skipping it until that one is through. */
  mayTry(now: number): boolean {
    if (now < this.openUntil) return false
    this.openUntil = now + this.#retryAfter
    return true
  }

  /** Closes the breaker, and begins to count anew. */
  close(): void {
    this.failuresInRow = 0
    this.openUntil = 0
  }

  /** It was left out, its breaker being open. @throws PacketRejected when nothing may pass without it */
  skipped(crossing: Crossing): void {
    this.counters.skipped++
    this.#refuseIfClosed(crossing)
  }

  /** It returned, returned a promise, or threw. @param elapsed how long nothing else could run, in ms @returns false when that was too long */
  returned(elapsed: number, isSettled: boolean): boolean {
    const { counters } = this
    counters.calls++
    counters.totalMs += elapsed * (1 + this.#untimed)
    this.#untimed = 0
    if (elapsed > counters.slowestMs) counters.slowestMs = elapsed
    if (elapsed > this.budget) {
      this.#overran(elapsed, undefined)
      return false
    }
    if (isSettled && this.failuresInRow !== 0) this.#recovered()
    return true
  }

  /** As {@link returned}, in a run that is timed as a whole: nobody is in it who had failures to take back. */
  returnedUntimed(): void {
    this.counters.calls++
    this.#untimed++
  }

  /** It, or one of the others, took too long. @param elapsed of all of them, in ms */
  mayHaveOverrun(elapsed: number, called: readonly GuardedInterceptor[]): void {
    const others = called.filter((it) => it !== this)
    this.#overran(elapsed, others.length > 0 ? others.map((it) => it.key) : undefined)
  }

  /** The promise it had returned was fulfilled in time, and it had returned that in time too. */
  settled(): void {
    if (this.failuresInRow !== 0) this.#recovered()
  }

  /**
   * The promise it had returned did not settle in time.
   * @param isOnTime false when the call has been counted as an overrun
   * @throws PacketRejected when nothing may pass without it
   */
  givenUp(crossing: Crossing, isOnTime: boolean): void {
    if (isOnTime) this.#overran(this.budget, undefined)
    this.#refuseIfClosed(crossing)
  }

  failedLate(error: unknown): void {
    this.#log.warn({ ...this.#fields(), error }, 'interceptor failed after it was given up')
  }

  /**
   * @param isOnTime false when the call has been counted as an overrun
   * @throws PacketRejected when the packet is refused while it may be, or nothing may pass without the interceptor
   */
  failed(error: unknown, crossing: Crossing, isOnTime = true): void {
    const { counters } = this
    if (error instanceof PacketRejected && !crossing.processed) {
      counters.rejections++
      if (isOnTime && this.failuresInRow !== 0) this.#recovered()
      throw error
    }
    counters.errors++
    counters.lastError = error instanceof Error ? error.message : String(error)
    this.#log.error({ ...this.#fields(), error, incoming: crossing.incoming, processed: crossing.processed }, 'interceptor failed')
    if (isOnTime) this.#countFailure()
    this.#refuseIfClosed(crossing)
  }

  status(isOff: boolean): InterceptorStatus {
    const { name, band, onError = 'open' } = this.interceptor
    const breaker = this.openUntil === 0 ? 'closed' : performance.now() >= this.openUntil ? 'half-open' : 'open'
    const { calls, rejections, errors, overruns, skipped, totalMs, slowestMs, lastError } = this.counters
    const counted = { calls, rejections, errors, overruns, skipped, totalMs: rounded(totalMs), slowestMs: rounded(slowestMs), lastError }
    return { name, plugin: this.plugin, band, off: isOff, breaker, onError, budget: this.budget, ...counted }
  }

  /** @param orOneOf keys of those that may have been it instead */
  #overran(elapsed: number, orOneOf: readonly string[] | undefined): void {
    const { budget, counters } = this
    counters.overruns++
    counters.lastError = orOneOf
      ? `took longer than its budget of ${budget} ms, or one of ${orOneOf.join(', ')} did`
      : `took longer than its budget of ${budget} ms`
    this.#log.warn({ ...this.#fields(), elapsed: Math.round(elapsed), budget, orOneOf }, 'interceptor overran its time budget')
    this.#countFailure()
  }

  #countFailure(): void {
    this.failuresInRow++
    if (this.failuresInRow < this.#failuresToOpen) return
    if (this.openUntil === 0)
      this.#log.error(
        { ...this.#fields(), failures: this.failuresInRow, retryAfter: this.#retryAfter, error: this.counters.lastError },
        'interceptor is switched off for now',
      )
    this.openUntil = performance.now() + this.#retryAfter
  }

  #recovered(): void {
    const wasOpen = this.openUntil !== 0
    this.close()
    if (wasOpen) this.#log.info(this.#fields(), 'interceptor works again')
  }

  #refuseIfClosed(crossing: Crossing): void {
    if (this.interceptor.onError !== 'closed' || crossing.processed) return
    this.counters.rejections++
    throw new PacketRejected({ condition: 'internal-server-error', text: 'A check that this server requires could not be made.' })
  }

  #fields(): object {
    return { plugin: this.plugin, interceptor: this.interceptor.name }
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
