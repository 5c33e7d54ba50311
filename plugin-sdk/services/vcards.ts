/** What the vcard plugin offers to others: the vCards of accounts (XEP-0054). */
import type { Element } from '../element.js'
import type { Jid } from '../jid.js'
import type { MaybePromise } from '../maybe-promise.js'

/** A user has stored a vCard. What a plugin stores by {@link VcardService.save} is not told. */
export interface VcardChange {
  /** Bare JID of a local account. */
  readonly user: Jid
  readonly vcard: Element
  /** What it was, if there was one that can be read. */
  readonly before: Element | undefined
}

export type VcardListener = (change: VcardChange) => MaybePromise<void>

export interface VcardService {
  find(user: Jid): Promise<Element | undefined>
  /** Stores it as the user would; the hash of its photo is shown in presence. @throws StanzaError policy-violation when it is too long */
  save(user: Jid, vcard: Element): Promise<void>
  /** Told after the vCard is on disk, before the user is answered. What a listener throws is logged. @returns the undo */
  onChange(listener: VcardListener): () => void
}
