/** What a rehearsal has found. */
import type { Difference, DifferenceKind } from './compare.js'
import type { CallTimes } from './passage.js'

export interface VersionReport {
  readonly version: string
  readonly folder: string
  readonly interceptors: readonly string[]
  /** Calls that were refused, by kind. */
  readonly denied: Readonly<Record<string, number>>
}

export interface ErrorReport {
  readonly version: 'old' | 'new'
  /** `interceptor: message` */
  readonly error: string
  readonly count: number
  /** The first stanza it came with. */
  readonly stanza: string
}

export interface RehearsalReport {
  readonly plugin: string
  readonly old: VersionReport
  readonly new: VersionReport
  /** Where the stanzas came from, in words. */
  readonly source: string
  readonly stanzas: number
  /** Recorded ones that were passed over, since they could not be read. */
  readonly unreadable: number
  /** What whoever reads the report should know. */
  readonly notes: readonly string[]
  /** Stanzas with at least one difference. */
  readonly differing: number
  /** All differences by kind; those that follow may be fewer. */
  readonly counts: Readonly<Record<DifferenceKind, number>>
  readonly differences: readonly Difference[]
  /** Time per call by interceptor; undefined where a version has no such interceptor, or it was not called. */
  readonly times: Readonly<Record<string, { readonly old: CallTimes | undefined; readonly new: CallTimes | undefined }>>
  readonly errors: readonly ErrorReport[]
}
