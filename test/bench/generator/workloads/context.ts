/** What every workload is given, and what it hands back beside the parts its meter recorded. */
import type { Crowd } from '../crowd.js'
import type { MarkedBodies } from '../marked-bodies.js'
import type { Meter } from '../meter.js'
import type { GeneratorResult, Target } from '../request.js'

export interface WorkloadContext {
  readonly crowd: Crowd
  readonly meter: Meter
  readonly bodies: MarkedBodies
  readonly target: Target
  /** For whoever watches. */
  progress(text: string): void
}

export type WorkloadOutcome = Pick<GeneratorResult, 'latency' | 'acknowledgement' | 'idle' | 'sentLate' | 'closedOffenders'>
