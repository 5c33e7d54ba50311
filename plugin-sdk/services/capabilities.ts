/** What the caps plugin offers to others: what the clients connected here can do, as they say by XEP-0115 or XEP-0390. */
import type { MaybePromise } from '../maybe-promise.js'
import type { ClientSession } from '../session.js'

/** An available client's features are known now, or are others than before. */
export interface CapabilitiesChange {
  readonly session: ClientSession
  readonly features: ReadonlySet<string>
  /** Empty when the client has just become available, or nothing was known of it. */
  readonly before: ReadonlySet<string>
}

export type CapabilitiesListener = (change: CapabilitiesChange) => MaybePromise<void>

export interface CapabilitiesService {
  /** Features of an available client; empty while they are not known. */
  of(session: ClientSession): ReadonlySet<string>
  /** What a listener throws is logged. @returns the undo */
  onChange(listener: CapabilitiesListener): () => void
}
