/** What a rehearsal is asked to do. */

/** Epoch milliseconds; `from` inclusive, `to` exclusive, undefined where it is open. */
export interface Period {
  readonly from: number | undefined
  readonly to: number | undefined
}

export interface RehearsalOptions {
  /** Folder or package of the changed version. */
  readonly folder: string
  /** Folder of the version to compare with; that of the configured folders unless given. */
  readonly against: string | undefined
  readonly source: { readonly recording: string } | { readonly period: Period; readonly user: string | undefined }
  /** Stanzas at most. */
  readonly limit: number
  /** Differences kept at most. */
  readonly differences: number
  /** How long one stanza may keep a version from answering. */
  readonly timeoutMs: number
  /** False: empty tables in memory stand for the server's. */
  readonly readsDatabase: boolean
}

/** There is no verdict: the source cannot be read, or a version cannot be run. `message` says why, with the plugin's name where it is one's. */
export class RehearsalImpossible extends Error {
  override readonly name = 'RehearsalImpossible'
}
