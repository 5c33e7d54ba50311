/**
 * An interceptor under watch: its errors are logged with its plugin's name, its time is measured, and a circuit breaker
 * takes it out of the way while it keeps failing (design §2).
 */
import { type Crossing, isPromise, type Logger, type MaybePromise, type PacketInterceptor, PacketRejected } from '@beaconfire/plugin-sdk'
import type { Deadlines } from './deadlines.js'

/** Errors or overruns in a row that open the breaker. */
const FAILURES_TO_OPEN = 5
/** How long an open breaker skips the interceptor before one stanza tries it again, in ms. */
const OPEN_MS = 10_000
const DEFAULT_BUDGET_MS = 1000

export type BreakerState = 'closed' | 'open' | 'half-open'

/** What an operator sees of an interceptor. */
export interface InterceptorStatus {
  readonly name: string
  readonly plugin: string
  readonly band: string
  readonly breaker: BreakerState
  readonly calls: number
  readonly rejections: number
  readonly errors: number
  /** Calls that took longer than the budget. */
  readonly overruns: number
  /** Calls left out while the breaker was open. */
  readonly skipped: number
  readonly lastError: string | undefined
}

export class GuardedInterceptor {
  readonly interceptor: PacketInterceptor
  readonly plugin: string
  readonly #log: Logger
  readonly #deadlines: Deadlines
  readonly #budget: number
  #failuresInRow = 0
  #openUntil = 0
  #calls = 0
  #rejections = 0
  #errors = 0
  #overruns = 0
  #skipped = 0
  #lastError: string | undefined

  constructor(plugin: string, interceptor: PacketInterceptor, log: Logger, deadlines: Deadlines) {
    this.plugin = plugin
    this.interceptor = interceptor
    this.#log = log
    this.#deadlines = deadlines
    this.#budget = interceptor.budget ?? DEFAULT_BUDGET_MS
  }

  /** @throws PacketRejected when the packet is refused while it may be */
  call(crossing: Crossing): MaybePromise<void> {
    const started = performance.now()
    if (this.#openUntil !== 0 && !this.#mayTry(started)) return this.#refuseIfClosed(crossing)
    this.#calls++
    let result: MaybePromise<void>
    try {
      result = this.interceptor.interceptPacket(crossing)
    } catch (error) {
      return this.#failed(error, crossing)
    }
    if (result !== undefined && isPromise(result)) return this.#withDeadline(result, crossing)
    const elapsed = performance.now() - started
    if (elapsed > this.#budget) this.#overran(elapsed)
    else if (this.#failuresInRow !== 0) this.#recovered()
  }

  status(): InterceptorStatus {
    const breaker = this.#openUntil === 0 ? 'closed' : performance.now() >= this.#openUntil ? 'half-open' : 'open'
    return {
      name: this.interceptor.name,
      plugin: this.plugin,
      band: this.interceptor.band,
      breaker,
      calls: this.#calls,
      rejections: this.#rejections,
      errors: this.#errors,
      overruns: this.#overruns,
      skipped: this.#skipped,
      lastError: this.#lastError,
    }
  }

  /** Once the time is up, one stanza tries the interceptor; the others go on skipping it until that one is through. */
  #mayTry(now: number): boolean {
    if (now < this.#openUntil) {
      this.#skipped++
      return false
    }
    this.#openUntil = now + OPEN_MS
    return true
  }

  #withDeadline(result: Promise<void>, crossing: Crossing): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        try {
          act()
          resolve()
        } catch (error) {
          reject(error as Error) // a PacketRejected
        }
      }
      const call = this.#deadlines.begin(this.#budget, () =>
        settle(() => {
          this.#overran(this.#budget)
          this.#refuseIfClosed(crossing)
        }),
      )
      result.then(
        () => {
          if (!call.end()) return
          if (this.#failuresInRow !== 0) this.#recovered()
          resolve()
        },
        (error: unknown) => {
          if (call.end()) settle(() => this.#failed(error, crossing))
          else this.#log.warn({ ...this.#fields(), error }, 'interceptor failed after it was given up')
        },
      )
    })
  }

  #failed(error: unknown, crossing: Crossing): void {
    if (error instanceof PacketRejected && !crossing.processed) {
      this.#rejections++
      if (this.#failuresInRow !== 0) this.#recovered()
      throw error
    }
    this.#errors++
    this.#lastError = error instanceof Error ? error.message : String(error)
    this.#log.error({ ...this.#fields(), error, incoming: crossing.incoming, processed: crossing.processed }, 'interceptor failed')
    this.#countFailure()
    this.#refuseIfClosed(crossing)
  }

  #overran(elapsed: number): void {
    this.#overruns++
    this.#lastError = `took longer than its budget of ${this.#budget} ms`
    this.#log.warn({ ...this.#fields(), elapsed: Math.round(elapsed), budget: this.#budget }, 'interceptor overran its time budget')
    this.#countFailure()
  }

  #countFailure(): void {
    this.#failuresInRow++
    if (this.#failuresInRow < FAILURES_TO_OPEN) return
    if (this.#openUntil === 0)
      this.#log.error({ ...this.#fields(), failures: this.#failuresInRow, error: this.#lastError }, 'interceptor is switched off for now')
    this.#openUntil = performance.now() + OPEN_MS
  }

  #recovered(): void {
    this.#failuresInRow = 0
    if (this.#openUntil === 0) return
    this.#openUntil = 0
    this.#log.info(this.#fields(), 'interceptor works again')
  }

  #refuseIfClosed(crossing: Crossing): void {
    if (this.interceptor.onError !== 'closed' || crossing.processed) return
    this.#rejections++
    throw new PacketRejected({ condition: 'internal-server-error', text: 'A check that this server requires could not be made.' })
  }

  #fields(): object {
    return { plugin: this.plugin, interceptor: this.interceptor.name }
  }
}
