/** How a node behaves (XEP-0060 §16.4.4), and the defaults of the service and of accounts. */
export const ACCESS_MODELS = ['authorize', 'open', 'presence', 'roster', 'whitelist'] as const
export const PUBLISH_MODELS = ['publishers', 'subscribers', 'open'] as const
export const SEND_LAST = ['never', 'on_sub', 'on_sub_and_presence'] as const
export const WHEN_FULL = ['retract-oldest', 'discard-oldest', 'reject'] as const
export const NOTIFICATION_TYPES = ['normal', 'headline'] as const
export const ITEM_REPLIES = ['owner', 'publisher', 'none'] as const

export type AccessModel = (typeof ACCESS_MODELS)[number]
export type PublishModel = (typeof PUBLISH_MODELS)[number]
export type SendLast = (typeof SEND_LAST)[number]
export type WhenFull = (typeof WHEN_FULL)[number]
export type NotificationType = (typeof NOTIFICATION_TYPES)[number]
export type ItemReply = (typeof ITEM_REPLIES)[number]

export interface NodeConfig {
  readonly title: string | undefined
  readonly description: string | undefined
  /** Namespace of the payloads; others are refused. */
  readonly type: string | undefined
  readonly language: string | undefined
  readonly contacts: readonly string[]
  readonly accessModel: AccessModel
  readonly rosterGroups: readonly string[]
  readonly publishModel: PublishModel
  readonly persistItems: boolean
  readonly maxItems: number | 'max'
  /** What becomes of one more when the node is full. */
  readonly whenFull: WhenFull
  /** Seconds after which an item is gone. */
  readonly itemExpire: number | 'max'
  /** Bytes. */
  readonly maxPayloadSize: number
  readonly deliverNotifications: boolean
  readonly deliverPayloads: boolean
  readonly notificationType: NotificationType
  readonly notifyConfig: boolean
  readonly notifyDelete: boolean
  readonly notifyRetract: boolean
  readonly presenceBasedDelivery: boolean
  readonly sendLast: SendLast
  readonly subscriptionsAllowed: boolean
  /** Who is shown as the one to answer; `publisher` puts the publisher's address on items. */
  readonly itemReply: ItemReply
}

const COMMON = {
  title: undefined,
  description: undefined,
  type: undefined,
  language: undefined,
  contacts: [],
  rosterGroups: [],
  publishModel: 'publishers',
  persistItems: true,
  whenFull: 'retract-oldest',
  itemExpire: 'max',
  deliverNotifications: true,
  deliverPayloads: true,
  notificationType: 'headline',
  notifyConfig: false,
  notifyDelete: true,
  notifyRetract: true,
  presenceBasedDelivery: false,
  subscriptionsAllowed: true,
} as const

/** @param maxPayloadSize bytes */
export function serviceDefaults(maxPayloadSize: number): NodeConfig {
  return { ...COMMON, accessModel: 'open', maxItems: 'max', sendLast: 'never', itemReply: 'publisher', maxPayloadSize }
}

/** XEP-0163 §5: seen by those who see the account's presence; the newest item, sent whenever they come. @param maxPayloadSize bytes */
export function accountDefaults(maxPayloadSize: number): NodeConfig {
  return { ...COMMON, accessModel: 'presence', maxItems: 1, sendLast: 'on_sub_and_presence', itemReply: 'none', maxPayloadSize }
}
