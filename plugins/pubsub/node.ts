/** A node as it is held in memory: what it is, who has to do with it, and the last item. */
import type { Jid } from '@beaconfire/plugin-sdk'
import type { NodeConfig } from './node-config.js'

export const AFFILIATIONS = ['owner', 'publisher', 'publish-only', 'member', 'none', 'outcast'] as const
export type Affiliation = (typeof AFFILIATIONS)[number]
export type SubscriptionState = 'subscribed' | 'pending'

export interface Subscription {
  readonly id: string
  /** Bare or full JID that is notified. */
  readonly jid: Jid
  readonly state: SubscriptionState
}

export interface Item {
  readonly id: string
  /** Full JID of the publisher, as text. */
  readonly publisher: string
  /** Epoch milliseconds; unique in its node, so that items have one order. */
  readonly publishedAt: number
  /** XML; '' for an item without one. */
  readonly payload: string
}

export interface Node {
  readonly id: string
  /** Bare JID, as text. */
  readonly creator: string
  readonly createdAt: number
  config: NodeConfig
  /** By bare JID; `none` is left out. */
  readonly affiliations: Map<string, Affiliation>
  /** By JID: one each. */
  readonly subscriptions: Map<string, Subscription>
  /** The newest item; undefined while it has not been read, or when it is too long to be kept in memory; null when there is none. */
  lastItem: Item | null | undefined
  /** Of the newest item published by this process; 0 when there is none. */
  lastPublishedAt: number
  /** Items kept; undefined while they have not been counted. */
  itemCount: number | undefined
}

/** Longer payloads are read again when they are needed. In UTF-16 units. */
const LONGEST_REMEMBERED = 2048

/** What may stay in memory as last item. */
export function rememberable(item: Item | null): Item | null | undefined {
  return item && item.payload.length > LONGEST_REMEMBERED ? undefined : item
}

export function isExpired(item: Item, config: NodeConfig, now = Date.now()): boolean {
  return config.itemExpire !== 'max' && item.publishedAt + config.itemExpire * 1000 <= now
}
