/** Service discovery (XEP-0030) as plugins add to it. The disco plugin asks; who may ask at all is its business. */
import type { Element } from './element.js'
import type { Jid } from './jid.js'
import type { MaybePromise } from './maybe-promise.js'

/** An identity in service discovery (XEP-0030 §3.1). */
export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

export interface DiscoveryQuery {
  readonly target: 'server' | 'account'
  /** The server's domain, or the bare JID of an account that exists. */
  readonly entity: Jid
  /** Undefined when the entity itself is asked about. */
  readonly node: string | undefined
  /** Who asks; the server's own domain for what the server tells of itself in its stream features (XEP-0115). */
  readonly asker: Jid
  /**
   * False when `asker` may not see the presence of the account: it must not learn that there is one. Answer with undefined,
   * unless what is asked for is public.
   */
  readonly isEntitled: boolean
  /** `<query/>`, which may ask for a page of the items (XEP-0059). */
  readonly payload: Element
}

export interface DiscoveryInfo {
  readonly identities?: readonly Identity[]
  readonly features?: readonly string[]
  /** Data forms (XEP-0128). */
  readonly forms?: readonly Element[]
}

export interface DiscoveryItem {
  readonly jid: Jid
  readonly node?: string
  readonly name?: string
}

/** A page of items; `set` is the `<set/>` of XEP-0059 that goes with it. */
export interface DiscoveryItems {
  readonly items: readonly DiscoveryItem[]
  readonly set?: Element
}

/**
 * What a plugin adds to the answers for the server and for accounts. Each method returns undefined for what it knows nothing of: without
 * a node all answers are put together, with a node the first one is given, and where there is none the node does not exist.
 * @throws StanzaError to refuse
 */
export interface DiscoveryProvider {
  info?(query: DiscoveryQuery): MaybePromise<DiscoveryInfo | undefined>
  items?(query: DiscoveryQuery): MaybePromise<DiscoveryItems | undefined>
}

/** What all running plugins contribute to service discovery. */
export interface Discovery {
  /** Features of the server. */
  features(): readonly string[]
  /** Identities of the server. */
  identities(): readonly Identity[]
  /** Domains that plugins answer, as items of the server. */
  domains(): readonly DiscoveryItem[]
  providers(): readonly DiscoveryProvider[]
  /** Another number whenever a plugin that contributes came or went. */
  readonly revision: number
}
