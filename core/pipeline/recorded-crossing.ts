/** Notes each step of one crossing of a stanza that is recorded. */
import type { CrossingProbe } from './chain-watch.js'
import type { PacketCrossing } from './crossing.js'
import type { FlightCrossing, FlightStep, StageName } from './flight.js'
import type { RecordedFlight } from './flight-recorder.js'
import type { GuardedInterceptor } from './guarded-interceptor.js'
import type { CallOutcome } from './stage-run.js'

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

  begun(_interceptor: GuardedInterceptor, { packet }: PacketCrossing): void {
    this.#before = packet.toString()
    this.#begunAt = this.#flight.now()
  }

  ended({ interceptor, plugin, key }: GuardedInterceptor, { packet, processed }: PacketCrossing, outcome: CallOutcome, error?: unknown): void {
    const now = this.#flight.now()
    const at = outcome === 'skipped' ? now : this.#begunAt
    const after = outcome === 'skipped' ? this.#before : packet.toString()
    const isRewritten = after !== this.#before
    this.#note({
      kind: 'interceptor',
      name: key,
      plugin,
      band: interceptor.band,
      stage: this.#stage(processed),
      at,
      ms: between(at, now),
      outcome,
      error: error === undefined ? undefined : this.#flight.shownError(error),
      before: isRewritten ? this.#flight.shown(this.#before) : undefined,
      after: isRewritten ? this.#flight.shown(after) : undefined,
    })
  }

  acting(): void {
    this.#actingAt = this.#flight.now()
  }

  acted(isDone: boolean): void {
    const kind = this.#crossing.incoming ? 'route' : 'deliver'
    const nothing = { plugin: undefined, band: undefined, stage: undefined, error: undefined, before: undefined, after: undefined }
    const ms = between(this.#actingAt, this.#flight.now())
    this.#note({ kind, name: kind, at: this.#actingAt, ms, outcome: isDone ? 'done' : 'undelivered', ...nothing })
  }

  finished(): void {
    this.#flight.finished(this.#crossing)
  }

  #note(step: FlightStep): void {
    this.#flight.step(this.#crossing, step)
  }

  #stage(processed: boolean): StageName {
    if (this.#crossing.incoming) return processed ? 'IN-post' : 'IN-pre'
    return processed ? 'OUT-post' : 'OUT-pre'
  }
}

function between(from: number, to: number): number {
  return Math.round((to - from) * 1000) / 1000
}
