/** Calls the interceptors of one stage, one after the other. It is synchronous until the first that returns a promise. */
import { isPromise, PacketRejected } from '@beaconfire/plugin-sdk'
import type { Interceptors, Stage } from './compiled-chain.js'
import type { PacketCrossing } from './crossing.js'
import type { Deadlines, Timed } from './deadlines.js'
import type { GuardedInterceptor } from './guarded-interceptor.js'

/** What came of one call. `failed` and `given-up` go on, or end in a rejection where the interceptor says `closed`. */
export type CallOutcome = 'passed' | 'rejected' | 'failed' | 'overran' | 'given-up' | 'skipped'

/** Told of each call by whoever records a stanza. */
export interface CallProbe {
  begun(interceptor: GuardedInterceptor, crossing: PacketCrossing): void
  ended(interceptor: GuardedInterceptor, crossing: PacketCrossing, outcome: CallOutcome, error?: unknown): void
}

/**
 * @param interceptors those of the stage that want the packet as it is now
 * @returns undefined when all were called; else a promise of the crossing as the last of them left it: a detached one when an
 *   interceptor was given up
 * @throws PacketRejected of an interceptor that refuses
 */
export function runStage(
  interceptors: Interceptors,
  stage: Stage,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  probe: CallProbe | undefined,
): Promise<PacketCrossing> | undefined {
  return runFrom(0, interceptors, stage, crossing, deadlines, probe, undefined)
}

function runFrom(
  start: number,
  interceptors: Interceptors,
  stage: Stage,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  probe: CallProbe | undefined,
  asynchronous: AsynchronousRun | undefined,
): Promise<PacketCrossing> | undefined {
  const type = stage.isTyped ? crossing.packet.type : undefined
  let startedAt = performance.now()
  for (let i = start; i < interceptors.length; i++) {
    const it = interceptors[i] as GuardedInterceptor
    if (it.openUntil !== 0 && !it.mayTry(startedAt)) {
      probe?.ended(it, crossing, 'skipped')
      it.skipped(crossing)
      continue
    }
    probe?.begun(it, crossing)
    let isOnTime = true
    try {
      const result = it.called.interceptPacket(crossing)
      const endedAt = performance.now()
      if (result !== undefined && isPromise(result)) {
        it.returned(endedAt - startedAt, false)
        const run = asynchronous ?? new AsynchronousRun(stage, crossing, deadlines, probe)
        run.waitFor(result, it, i, interceptors, endedAt)
        return run.promise
      }
      isOnTime = it.returned(endedAt - startedAt, true)
      startedAt = endedAt
    } catch (error) {
      it.counters.calls++
      fail(it, crossing, error, probe)
      startedAt = performance.now()
      continue
    }
    probe?.ended(it, crossing, isOnTime ? 'passed' : 'overran')
    // A rewritten type changes who comes next.
    if (type !== undefined && crossing.packet.type !== type) {
      const left = stage.of(crossing.packet)
      return runFrom(positionAfter(it, left, stage), left, stage, crossing, deadlines, probe, asynchronous)
    }
  }
  return undefined
}

function fail(it: GuardedInterceptor, crossing: PacketCrossing, error: unknown, probe: CallProbe | undefined): void {
  probe?.ended(it, crossing, error instanceof PacketRejected && !crossing.processed ? 'rejected' : 'failed', error)
  it.failed(error, crossing)
}

/** Where in `left` those begin that come after `done`. */
function positionAfter(done: GuardedInterceptor, left: Interceptors, stage: Stage): number {
  const passed = new Set(stage.all.slice(0, stage.all.indexOf(done) + 1))
  const next = left.findIndex((it) => !passed.has(it))
  return next < 0 ? left.length : next
}

/** What is left of a stage once somebody was asynchronous: one promise, one deadline and two callbacks for all calls still to come. */
// `private` and not `#`: one is made for each stanza that somebody is asynchronous about, and those cost half.
class AsynchronousRun implements Timed {
  dueAt = 0
  readonly promise: Promise<PacketCrossing>
  private resolve!: (crossing: PacketCrossing | Promise<PacketCrossing>) => void
  private reject!: (error: unknown) => void
  private interceptors!: Interceptors
  private at = 0
  private isGivenUp = false
  private readonly onFulfilled: () => void
  private readonly onRejected: (error: unknown) => void

  constructor(
    private readonly stage: Stage,
    private readonly crossing: PacketCrossing,
    private readonly deadlines: Deadlines,
    private readonly probe: CallProbe | undefined,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.onFulfilled = () => this.fulfilled()
    this.onRejected = (error) => this.rejected(error)
    deadlines.begin(this)
  }

  waitFor(result: Promise<void>, it: GuardedInterceptor, at: number, interceptors: Interceptors, startedAt: number): void {
    this.at = at
    this.interceptors = interceptors
    this.dueAt = startedAt + it.budget
    // Not every promise is one of this language's own.
    Promise.resolve(result).then(this.onFulfilled, this.onRejected)
  }

  late(): void {
    this.isGivenUp = true
    const { crossing, deadlines, probe, stage } = this
    const it = this.current
    probe?.ended(it, crossing, 'given-up')
    try {
      it.givenUp(crossing)
      const next = crossing.processed ? crossing : crossing.detached()
      // A run of its own: what this one waits for may still come.
      this.resolve(runFrom(this.at + 1, this.interceptors, stage, next, deadlines, probe, undefined) ?? next)
    } catch (refusal) {
      this.reject(refusal)
    }
  }

  private get current(): GuardedInterceptor {
    return this.interceptors[this.at] as GuardedInterceptor
  }

  private fulfilled(): void {
    if (this.isGivenUp) return
    this.current.settled()
    this.probe?.ended(this.current, this.crossing, 'passed')
    this.goOn()
  }

  private rejected(error: unknown): void {
    if (this.isGivenUp) {
      this.current.failedLate(error)
      return
    }
    try {
      fail(this.current, this.crossing, error, this.probe)
    } catch (refusal) {
      this.refuse(refusal)
      return
    }
    this.goOn()
  }

  private goOn(): void {
    const { crossing, stage } = this
    try {
      const left = stage.of(crossing.packet)
      const next = left === this.interceptors ? this.at + 1 : positionAfter(this.current, left, stage)
      if (next < left.length && runFrom(next, left, stage, crossing, this.deadlines, this.probe, this)) return
    } catch (refusal) {
      this.refuse(refusal)
      return
    }
    this.deadlines.end(this)
    this.resolve(crossing)
  }

  private refuse(refusal: unknown): void {
    this.deadlines.end(this)
    this.reject(refusal)
  }
}
