/** Notes each step of one crossing of a stanza that is recorded. */
import type { CrossingProbe } from './chain-watch.js'
import type { PacketCrossing } from './crossing.js'
import type { FlightCrossing, FlightMark, StageName } from './flight.js'
import type { RecordedFlight } from './flight-recorder.js'
import type { GuardedInterceptor } from './guarded-interceptor.js'
import type { CallOutcome } from './stage-run.js'
import { DELIVER, ROUTE } from './waypoints.js'

export class RecordedCrossing implements CrossingProbe {
  readonly #flight: RecordedFlight
  readonly #crossing: FlightCrossing
  #begunAt = 0
  #before = ''
  #actingAt = 0

  constructor(flight: RecordedFlight, crossing: FlightCrossing) {
    this.#flight = flight
    this.#crossing = crossing
  }

  begun(_interceptor: GuardedInterceptor, { packet }: PacketCrossing): number {
    this.#before = packet.toString()
    this.#begunAt = performance.now()
    return this.#begunAt
  }

  ended(interceptor: GuardedInterceptor, { packet, processed }: PacketCrossing, outcome: CallOutcome, error?: unknown): void {
    const endedAt = performance.now()
    const isSkipped = outcome === 'skipped'
    const mark = this.#markOf(isSkipped ? this.#before : packet.toString(), error)
    const waypoint = this.#flight.waypoints.ofInterceptor(interceptor, this.#stage(processed))
    this.#flight.step(this.#crossing, waypoint, isSkipped ? endedAt : this.#begunAt, endedAt, outcome, mark)
  }

  acting(): void {
    this.#actingAt = performance.now()
  }

  acted(isDone: boolean): void {
    const waypoint = this.#crossing.incoming ? ROUTE : DELIVER
    this.#flight.step(this.#crossing, waypoint, this.#actingAt, performance.now(), isDone ? 'done' : 'undelivered', undefined)
  }

  finished(): void {
    this.#flight.finished(this.#crossing)
  }

  #markOf(after: string, error: unknown): FlightMark | undefined {
    const isRewritten = after !== this.#before
    if (!isRewritten && error === undefined) return undefined
    return {
      error: error === undefined ? undefined : this.#flight.shownError(error),
      before: isRewritten ? this.#flight.shown(this.#before) : undefined,
      after: isRewritten ? this.#flight.shown(after) : undefined,
    }
  }

  #stage(processed: boolean): StageName {
    if (this.#crossing.incoming) return processed ? 'IN-post' : 'IN-pre'
    return processed ? 'OUT-post' : 'OUT-pre'
  }
}
