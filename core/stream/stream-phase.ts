import type { Element, Jid, MaybePromise, Stanza } from '@beaconfire/plugin-sdk'

/** What a stream is doing: negotiating, or carrying a session. */
export interface StreamPhase {
  /** Of the peer, for the log. */
  readonly jid?: Jid
  /** Children of `<stream:features/>` at this point, as XML. */
  features(): string
  /** @throws StreamError */
  stanza(stanza: Stanza): MaybePromise<void>
  /** A child of the stream that is no stanza. @throws StreamError */
  element(el: Element): MaybePromise<void>
  /** An element that must not wait for the stanza under way. @returns true when it was taken. @throws StreamError */
  urgent?(el: Element): boolean
  /** True while there may be such. */
  readonly hasUrgent?: boolean
  /** What was sent is about to be written: what goes last in it. */
  flushing?(): string | undefined
  /** Asks a silent peer for a sign of life in the phase's own way. @returns false when it has none */
  probe?(): boolean
  /** Since when, by `performance.now()`, the peer owes a sign of life; 0 when it owes none. */
  readonly waitingSince?: number
  /** The stream has ended; `abrupt` when the connection was lost, or the peer has fallen silent. Called once. */
  closed(abrupt: boolean): void
}

/** The phase of a stream whose session goes on elsewhere. */
export const ABANDONED: StreamPhase = {
  features: () => '',
  stanza() {},
  element() {},
  closed() {},
}
