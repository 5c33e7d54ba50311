/**
 * Who is called at one stage for stanzas of one type, and how closely their time is looked at. Reading the clock costs as much as most
 * interceptors do. So where several are called one after the other, their time together is taken in each run, and that of each alone in
 * the first runs, in every sixteenth, in some after a run that was slow, and in many after one in which a budget was overrun.
 */
import type { GuardedInterceptor } from './guarded-interceptor.js'

/** Of so many runs one times each call. */
const SAMPLE = 16
/** Runs that time each call, to begin with and after a slow one: that may be the machine's doing, which is busy with others. */
const CAREFUL_RUNS = 64
/** The same after one in which somebody overran a budget. */
const CAREFUL_RUNS_AFTER_OVERRUN = 50_000
/** Calls that take longer together are looked at one by one, in ms. */
const SLOW_MS = 5
/** Who has less time than this is timed in each call, in ms. */
const TIGHT_BUDGET_MS = 20

export class CallList {
  readonly interceptors: readonly GuardedInterceptor[]
  /** All of the stage, those that want another type among them. */
  readonly ofStage: readonly GuardedInterceptor[]
  readonly mayRewrite: boolean
  readonly #isAlwaysTimed: boolean
  #careful = CAREFUL_RUNS
  /** Runs until the next that times each call. */
  #untimed = 0

  constructor(interceptors: readonly GuardedInterceptor[], ofStage: readonly GuardedInterceptor[]) {
    this.interceptors = interceptors
    this.ofStage = ofStage
    this.mayRewrite = interceptors.some((it) => !it.called.readOnly)
    this.#isAlwaysTimed = interceptors.length < 2 || interceptors.some((it) => it.budget < TIGHT_BUDGET_MS || it.opensAtOnce)
  }

  /** @returns true when the run that begins times each call */
  timesEach(): boolean {
    if (this.#isAlwaysTimed) return true
    if (this.#untimed > 0) {
      this.#untimed--
      return false
    }
    if (this.#careful > 0) this.#careful--
    else this.#untimed = SAMPLE - 1
    return true
  }

  /**
   * Several were called, and timed together.
   * @param from first of them
   * @param to the one after the last
   * @param elapsed ms that they took together
   */
  ranTogether(from: number, to: number, elapsed: number): void {
    if (elapsed < SLOW_MS) return
    this.#careful = Math.max(this.#careful, CAREFUL_RUNS)
    this.#untimed = 0
    const called = this.interceptors.slice(from, to)
    for (const it of called) {
      if (elapsed <= it.budget) continue
      this.#careful = CAREFUL_RUNS_AFTER_OVERRUN
      it.mayHaveOverrun(elapsed, called)
    }
  }
}
