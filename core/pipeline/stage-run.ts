/** Calls the interceptors of one stage, one after the other. It is synchronous until the first that returns a promise. */
import { isPromise, type MaybePromise, PacketRejected } from '@beaconfire/plugin-sdk'
import type { CallList } from './call-list.js'
import type { Stages } from './compiled-chain.js'
import type { PacketCrossing } from './crossing.js'
import type { Deadlines, Timed } from './deadlines.js'
import type { GuardedInterceptor } from './guarded-interceptor.js'

/** What came of one call. `failed` and `given-up` go on, or end in a rejection where the interceptor says `closed`. */
export type CallOutcome = 'passed' | 'rejected' | 'failed' | 'overran' | 'given-up' | 'skipped'

/** Told of each call by whoever records a stanza. */
export interface CallProbe {
  /** @returns when the call begins, by `performance.now()`, so that what the probe itself takes is not the interceptor's */
  begun(interceptor: GuardedInterceptor, crossing: PacketCrossing): number
  ended(interceptor: GuardedInterceptor, crossing: PacketCrossing, outcome: CallOutcome, error?: unknown): void
}

/**
 * @param list those that want the packet as it is now
 * @returns undefined when all were called; else a promise of the crossing as the last of them left it: a detached one when an
 *   interceptor was given up
 * @throws PacketRejected of an interceptor that refuses
 */
export function runStage(
  list: CallList,
  stages: Stages,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  probe: CallProbe | undefined,
): Promise<PacketCrossing> | undefined {
  return runFrom(0, list, stages, crossing, deadlines, probe, undefined)
}

function runFrom(
  start: number,
  list: CallList,
  stages: Stages,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  probe: CallProbe | undefined,
  asynchronous: AsynchronousRun | undefined,
): Promise<PacketCrossing> | undefined {
  return probe !== undefined || list.timesEach()
    ? runEach(start, list, stages, crossing, deadlines, probe, asynchronous)
    : runTogether(start, list, stages, crossing, deadlines, asynchronous)
}

/** Looks at the clock after each call. */
function runEach(
  start: number,
  list: CallList,
  stages: Stages,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  probe: CallProbe | undefined,
  asynchronous: AsynchronousRun | undefined,
): Promise<PacketCrossing> | undefined {
  const { interceptors } = list
  const type = typeToWatch(stages, list, crossing)
  let startedAt = performance.now()
  for (let i = start; i < interceptors.length; i++) {
    const it = interceptors[i] as GuardedInterceptor
    if (it.openUntil !== 0 && !it.mayTry(startedAt)) {
      probe?.ended(it, crossing, 'skipped')
      it.skipped(crossing)
      continue
    }
    if (probe !== undefined) startedAt = probe.begun(it, crossing)
    let isOnTime = true
    try {
      const result = it.called.interceptPacket(crossing)
      const endedAt = performance.now()
      if (result !== undefined && isPromise(result)) {
        isOnTime = it.returned(endedAt - startedAt, false)
        const run = asynchronous ?? new AsynchronousRun(stages, crossing, deadlines, probe)
        return run.waitFor(result, i, list, endedAt, isOnTime)
      }
      isOnTime = it.returned(endedAt - startedAt, true)
      startedAt = endedAt
    } catch (error) {
      const endedAt = performance.now()
      isOnTime = it.returned(endedAt - startedAt, false)
      fail(it, crossing, error, probe, isOnTime)
      startedAt = endedAt
      continue
    }
    probe?.ended(it, crossing, isOnTime ? 'passed' : 'overran')
    if (type !== undefined && crossing.packet.type !== type) return runRest(it, stages, crossing, deadlines, probe, asynchronous)
  }
  return undefined
}

/** Looks at the clock before the first call and after the last: as long as nothing but the usual happens, and to nobody lately. */
function runTogether(
  start: number,
  list: CallList,
  stages: Stages,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  asynchronous: AsynchronousRun | undefined,
): Promise<PacketCrossing> | undefined {
  const { interceptors } = list
  const type = typeToWatch(stages, list, crossing)
  const startedAt = performance.now()
  for (let i = start; i < interceptors.length; i++) {
    const it = interceptors[i] as GuardedInterceptor
    if (it.failuresInRow !== 0) {
      list.ranTogether(start, i, performance.now() - startedAt)
      return runEach(i, list, stages, crossing, deadlines, undefined, asynchronous)
    }
    let result: MaybePromise<void>
    try {
      result = it.called.interceptPacket(crossing)
    } catch (error) {
      it.returnedUntimed()
      const elapsed = performance.now() - startedAt
      list.ranTogether(start, i + 1, elapsed)
      fail(it, crossing, error, undefined, elapsed <= it.budget)
      return runFrom(i + 1, list, stages, crossing, deadlines, undefined, asynchronous)
    }
    if (result !== undefined && isPromise(result)) {
      const endedAt = performance.now()
      it.returnedUntimed()
      list.ranTogether(start, i + 1, endedAt - startedAt)
      const run = asynchronous ?? new AsynchronousRun(stages, crossing, deadlines, undefined)
      return run.waitFor(result, i, list, endedAt, endedAt - startedAt <= it.budget)
    }
    it.returnedUntimed()
    if (type === undefined || crossing.packet.type === type) continue
    list.ranTogether(start, i + 1, performance.now() - startedAt)
    return runRest(it, stages, crossing, deadlines, undefined, asynchronous)
  }
  list.ranTogether(start, interceptors.length, performance.now() - startedAt)
  return undefined
}

/** The type as it is now, where a rewritten one changes who is called. */
function typeToWatch(stages: Stages, list: CallList, { packet }: PacketCrossing): string | undefined {
  return stages.isTyped && list.mayRewrite ? packet.type : undefined
}

/** Those that come after `done`, which has rewritten the type of the packet. */
function runRest(
  done: GuardedInterceptor,
  stages: Stages,
  crossing: PacketCrossing,
  deadlines: Deadlines,
  probe: CallProbe | undefined,
  asynchronous: AsynchronousRun | undefined,
): Promise<PacketCrossing> | undefined {
  const left = listOf(stages, crossing)
  return runFrom(positionAfter(done, left), left, stages, crossing, deadlines, probe, asynchronous)
}

function listOf(stages: Stages, { packet, processed }: PacketCrossing): CallList {
  const way = stages.of(packet)
  return processed ? way.after : way.before
}

function fail(it: GuardedInterceptor, crossing: PacketCrossing, error: unknown, probe: CallProbe | undefined, isOnTime = true): void {
  probe?.ended(it, crossing, error instanceof PacketRejected && !crossing.processed ? 'rejected' : 'failed', error)
  it.failed(error, crossing, isOnTime)
}

/** Where in `left` those begin that come after `done`. */
function positionAfter(done: GuardedInterceptor, { interceptors, ofStage }: CallList): number {
  const passed = new Set(ofStage.slice(0, ofStage.indexOf(done) + 1))
  const next = interceptors.findIndex((it) => !passed.has(it))
  return next < 0 ? interceptors.length : next
}

/** What is left of a stage once somebody was asynchronous: one promise, one deadline and two callbacks for all calls still to come. */
// `private` and not `#`: one is made for each stanza that somebody is asynchronous about, and those cost half.
class AsynchronousRun implements Timed {
  dueAt = 0
  readonly promise: Promise<PacketCrossing>
  private resolve!: (crossing: PacketCrossing | Promise<PacketCrossing>) => void
  private reject!: (error: unknown) => void
  private list!: CallList
  private at = 0
  /** False when the current call has been counted as an overrun before it returned its promise. */
  private isOnTime = true
  private isGivenUp = false
  private readonly onFulfilled: () => void
  private readonly onRejected: (error: unknown) => void

  constructor(
    private readonly stages: Stages,
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

  /**
   * @param at which of the list has returned `result`
   * @param isOnTime false when it had blocked for longer than it may by then
   */
  waitFor(result: Promise<void>, at: number, list: CallList, startedAt: number, isOnTime: boolean): Promise<PacketCrossing> {
    this.at = at
    this.list = list
    this.isOnTime = isOnTime
    this.dueAt = startedAt + this.current.budget
    // Not every promise is one of this language's own.
    Promise.resolve(result).then(this.onFulfilled, this.onRejected)
    return this.promise
  }

  late(): void {
    this.isGivenUp = true
    const { crossing, deadlines, list, probe, stages } = this
    const it = this.current
    probe?.ended(it, crossing, 'given-up')
    try {
      it.givenUp(crossing, this.isOnTime)
      const next = crossing.processed ? crossing : crossing.detached()
      // A run of its own: what this one waits for may still come.
      this.resolve(runFrom(this.at + 1, list, stages, next, deadlines, probe, undefined) ?? next)
    } catch (refusal) {
      this.reject(refusal)
    }
  }

  private get current(): GuardedInterceptor {
    return this.list.interceptors[this.at] as GuardedInterceptor
  }

  private fulfilled(): void {
    if (this.isGivenUp) return
    if (this.isOnTime) this.current.settled()
    this.probe?.ended(this.current, this.crossing, this.isOnTime ? 'passed' : 'overran')
    this.goOn()
  }

  private rejected(error: unknown): void {
    if (this.isGivenUp) {
      this.current.failedLate(error)
      return
    }
    try {
      fail(this.current, this.crossing, error, this.probe, this.isOnTime)
    } catch (refusal) {
      this.refuse(refusal)
      return
    }
    this.goOn()
  }

  private goOn(): void {
    const { crossing, stages } = this
    try {
      const left = listOf(stages, crossing)
      const next = left === this.list ? this.at + 1 : positionAfter(this.current, left)
      if (next < left.interceptors.length && runFrom(next, left, stages, crossing, this.deadlines, this.probe, this)) return
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
