/** What the parts of the engine share. */
import type { Jid, Logger, MaybePromise, Timers } from '@beaconfire/plugin-sdk'
import type { Access } from './access.js'
import type { PubsubConfig } from './config.js'
import type { Item, Node } from './node.js'
import { accountDefaults, type NodeConfig, serviceDefaults } from './node-config.js'
import type { ConfigLimits } from './node-config-form.js'
import type { Notifications } from './notifications.js'
import type { PubsubStore } from './pubsub-store.js'
import type { PubsubService, PubsubServices } from './services.js'

/** Told of what was published or taken away at accounts, after it is on disk. */
export type ItemListener = (change: ItemChange) => MaybePromise<void>

export interface ItemChange {
  readonly owner: Jid
  readonly node: Node
  readonly published: readonly Item[]
  readonly retracted: readonly string[]
}

export interface Engine {
  readonly services: PubsubServices
  readonly store: PubsubStore
  readonly access: Access
  readonly notifications: Notifications
  readonly config: PubsubConfig
  readonly timers: Timers
  readonly log: Logger
  /** Bare JIDs of accounts here may create nodes at the service. */
  isLocalAccount(jid: Jid): boolean
  /** Tells the listeners. Never call it inside a change of a service: a listener may want to change it too. */
  changed(change: ItemChange): Promise<void>
}

/** Characters that Openfire's columns hold. */
export const LONGEST_ID = 100
export const LONGEST_JID = 255

export function defaultsOf(kind: PubsubService['kind'], config: PubsubConfig): NodeConfig {
  return kind === 'account' ? accountDefaults(config.maxPayloadBytes) : serviceDefaults(config.maxPayloadBytes)
}

export function limitsOf(kind: PubsubService['kind'], { maxItems, maxPayloadBytes }: PubsubConfig): ConfigLimits {
  const common = ['open', 'presence', 'roster', 'whitelist'] as const
  // Only the service can ask its owners: a reply to an account would have to be told from the owner's messages.
  return { maxItems, maxPayloadBytes, accessModels: kind === 'account' ? common : ['authorize', ...common] }
}

/** Items that the node keeps. */
export function itemLimit({ maxItems }: NodeConfig, config: PubsubConfig): number {
  return maxItems === 'max' ? config.maxItems : Math.min(maxItems, config.maxItems)
}
