/** What the pubsub plugin offers to others: the nodes of accounts (XEP-0163), as their owners. */
import type { Element } from '../element.js'
import type { Jid } from '../jid.js'
import type { MaybePromise } from '../maybe-promise.js'

export interface PepItem {
  /** '' lets the server choose one for what is published. */
  readonly id: string
  readonly payload: Element | undefined
}

export interface PepChange {
  /** Bare JID of a local account. */
  readonly owner: Jid
  readonly node: string
  /** Ids of items published just now, in order. */
  readonly published: readonly string[]
  readonly retracted: readonly string[]
}

export type PepListener = (change: PepChange) => MaybePromise<void>

export interface PepService {
  /**
   * Publishes as the owner of the account: the node is made where there is none, with `options` of its configuration, by `var` without
   * `pubsub#`. Who is interested is notified.
   * @throws StanzaError as a client would get it
   */
  publish(owner: Jid, node: string, item: PepItem, options?: Readonly<Record<string, string>>): Promise<void>
  /** Items of a node, the oldest first; those of `ids` alone where they are given. Empty where there is no such node. */
  items(owner: Jid, node: string, ids?: readonly string[]): Promise<readonly PepItem[]>
  /** Takes items back; those that are not there are passed over. */
  retract(owner: Jid, node: string, ids: readonly string[]): Promise<void>
  /** Who may read this node (XEP-0060 §4.5), such as `open` or `whitelist`; undefined where there is no such node. */
  accessModel(owner: Jid, node: string): Promise<string | undefined>
  /** Told after each change, when it is on disk. What a listener throws is logged. @returns the undo */
  onChange(listener: PepListener): () => void
}
