/** One recorded stanza on its way through the chain, and what one version of a plugin made of it. */
import type { Session } from '@beaconfire/plugin-sdk'
import type { StageName } from '../../pipeline/flight.js'

export interface PassageCrossing {
  readonly incoming: boolean
  readonly session: Pick<Session, 'kind' | 'id' | 'remoteAddress' | 'secure'> & { readonly jid: string }
  /** The stanza as the plugin met it here. */
  readonly packet: string
}

/** All crossings of one stanza: its own first, if it was recorded, then those of its recipients. */
export interface Passage {
  /** How the source calls it: id of a flight, or `messageID` of a row. */
  readonly id: string
  /** Epoch milliseconds. */
  readonly at: number
  /** False: texts are left out of it. */
  readonly hasBodies: boolean
  readonly crossings: readonly PassageCrossing[]
}

export interface StageOutcome {
  /** Index in {@link Passage.crossings}. */
  readonly crossing: number
  readonly stage: StageName
  readonly verdict: 'passed' | 'rejected'
  /** What a rejection says: condition and text. */
  readonly detail: string | undefined
  /** Names of the interceptors that rejected or rewrote. */
  readonly by: readonly string[]
  /** The stanza afterwards, where it was rewritten. */
  readonly rewritten: string | undefined
  /** What was asked for and not done, in order. */
  readonly acts: readonly string[]
  /** What went wrong, as `interceptor: message`. */
  readonly errors: readonly string[]
}

/** Stages in which an interceptor was called. Crossings that did not come about, since this version rejected before, are in `missed`. */
export interface PassageOutcome {
  readonly stages: readonly StageOutcome[]
  readonly missed: readonly number[]
}

/** Time per call, in ms. */
export interface CallTimes {
  readonly calls: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface VersionSummary {
  readonly times: Readonly<Record<string, CallTimes>>
  /** Everything that was asked for and not done, by kind, also while no stanza was handled. */
  readonly denied: Readonly<Record<string, number>>
}
