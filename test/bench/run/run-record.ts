/** One run of one scenario on one server, as it is kept. */
import type { GeneratorResult, Workload } from '../generator/request.js'

export interface RunRecord extends GeneratorResult {
  readonly scenario: string
  readonly server: string
  readonly round: number
  readonly startedAt: string
  readonly workload: Workload
  /** Messages found in the archive after the run, where it was looked for. */
  readonly archived?: number
}

/** Everything of one call of the bench. */
export interface BenchRecord {
  readonly startedAt: string
  readonly machine: string
  readonly node: string
  readonly servers: Readonly<Record<string, string>>
  readonly pinned: boolean
  readonly quick: boolean
  readonly durability: string
  /** Rounds of plain JavaScript per CPU-second, one score a round. */
  readonly calibrations: readonly number[]
  readonly runs: readonly RunRecord[]
}
