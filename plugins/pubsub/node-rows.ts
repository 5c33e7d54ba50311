/** Nodes as rows of Openfire's tables: columns of `ofPubsubNode`, and our own `ofPubsubNodeProp` for what it has no column for. */
import { fromDateColumn, Jid, type Row, toDateColumn } from '@beaconfire/plugin-sdk'
import { AFFILIATIONS, type Affiliation, type Node, type Subscription } from './node.js'
import { ACCESS_MODELS, ITEM_REPLIES, NOTIFICATION_TYPES, type NodeConfig, PUBLISH_MODELS, type SendLast, WHEN_FULL } from './node-config.js'

/** Openfire has a yes or no here: yes means on subscription for the service, and with presence too for accounts. */
const SEND_LAST_CODES: Readonly<Record<'account' | 'service', readonly SendLast[]>> = {
  account: ['never', 'on_sub_and_presence', 'on_sub'],
  service: ['never', 'on_sub', 'on_sub_and_presence'],
}
/** Characters of the column for the title. */
const LONGEST_NAME = 50
/** The column is too short for the name. */
const STORED_AFFILIATION: Readonly<Record<string, string>> = { 'publish-only': 'pub-only' }

export interface NodeRow {
  readonly serviceID: string
  readonly nodeID: string
  readonly creationDate: string
  readonly deliverPayloads: number
  readonly maxPayloadSize: number | null
  readonly persistItems: number | null
  readonly maxItems: number | null
  readonly notifyConfigChanges: number
  readonly notifyDelete: number
  readonly notifyRetract: number
  readonly presenceBased: number
  readonly sendItemSubscribe: number
  readonly publisherModel: string
  readonly subscriptionEnabled: number
  readonly accessModel: string
  readonly payloadType: string | null
  readonly creator: string
  readonly description: string | null
  readonly language: string | null
  readonly name: string | null
  readonly replyPolicy: string | null
}

export interface SubscriptionRow {
  readonly serviceID: string
  readonly nodeID: string
  readonly id: string
  readonly jid: string
  readonly state: string
}

export interface ItemRow {
  readonly id: string
  readonly jid: string
  readonly creationDate: string
  readonly payload: string | null
}

/** The changing columns of a node. */
export function configColumns(serviceID: string, config: NodeConfig): Row {
  return {
    modificationDate: toDateColumn(Date.now()),
    deliverPayloads: Number(config.deliverPayloads),
    maxPayloadSize: config.maxPayloadSize,
    persistItems: Number(config.persistItems),
    maxItems: config.maxItems === 'max' ? -1 : config.maxItems,
    notifyConfigChanges: Number(config.notifyConfig),
    notifyDelete: Number(config.notifyDelete),
    notifyRetract: Number(config.notifyRetract),
    presenceBased: Number(config.presenceBasedDelivery),
    sendItemSubscribe: sendLastCodes(serviceID).indexOf(config.sendLast),
    publisherModel: config.publishModel,
    subscriptionEnabled: Number(config.subscriptionsAllowed),
    accessModel: config.accessModel,
    payloadType: config.type ?? null,
    description: config.description ?? null,
    language: config.language ?? null,
    name: config.title?.slice(0, LONGEST_NAME) ?? null,
    replyPolicy: config.itemReply === 'none' ? null : config.itemReply,
  }
}

/** The whole row of a new node. @param parent root collection of the service, null for the root itself */
export function nodeRow(serviceID: string, node: Pick<Node, 'config' | 'createdAt' | 'creator' | 'id'>, parent: string | null): Row {
  return {
    serviceID,
    nodeID: node.id,
    leaf: parent === null ? 0 : 1,
    creationDate: toDateColumn(node.createdAt),
    parent,
    configSubscription: 0,
    creator: node.creator,
    ...configColumns(serviceID, node.config),
  }
}

/** What has no column, where it is not as usual: name and value. */
export function configProps(config: NodeConfig): readonly (readonly [name: string, value: string])[] {
  const props: [string, string][] = []
  if (config.title && config.title.length > LONGEST_NAME) props.push(['title', config.title])
  if (config.whenFull !== 'retract-oldest') props.push(['whenFull', config.whenFull])
  if (config.itemExpire !== 'max') props.push(['itemExpire', String(config.itemExpire)])
  if (!config.deliverNotifications) props.push(['deliverNotifications', '0'])
  if (config.notificationType !== 'headline') props.push(['notificationType', config.notificationType])
  return props
}

/** A node as it was read. @param defaults for what a column leaves open */
export function nodeFromRow(row: NodeRow, defaults: NodeConfig, props: ReadonlyMap<string, string>): Node {
  const expire = props.get('itemExpire')
  const config: NodeConfig = {
    ...defaults,
    title: props.get('title') ?? row.name ?? undefined,
    description: row.description ?? undefined,
    type: row.payloadType ?? undefined,
    language: row.language ?? undefined,
    accessModel: oneOf(ACCESS_MODELS, row.accessModel, 'whitelist'),
    publishModel: oneOf(PUBLISH_MODELS, row.publisherModel, 'publishers'),
    persistItems: row.persistItems !== 0,
    maxItems: row.maxItems === null || row.maxItems < 0 ? 'max' : row.maxItems,
    maxPayloadSize: row.maxPayloadSize ?? defaults.maxPayloadSize,
    deliverPayloads: row.deliverPayloads !== 0,
    notifyConfig: row.notifyConfigChanges !== 0,
    notifyDelete: row.notifyDelete !== 0,
    notifyRetract: row.notifyRetract !== 0,
    presenceBasedDelivery: row.presenceBased !== 0,
    sendLast: sendLastCodes(row.serviceID)[row.sendItemSubscribe] ?? 'never',
    subscriptionsAllowed: row.subscriptionEnabled !== 0,
    itemReply: oneOf(ITEM_REPLIES, row.replyPolicy, 'none'),
    whenFull: oneOf(WHEN_FULL, props.get('whenFull'), 'retract-oldest'),
    itemExpire: expire === undefined ? 'max' : Number(expire),
    deliverNotifications: props.get('deliverNotifications') !== '0',
    notificationType: oneOf(NOTIFICATION_TYPES, props.get('notificationType'), 'headline'),
    rosterGroups: [],
    contacts: [],
  }
  return {
    id: row.nodeID,
    creator: row.creator,
    createdAt: fromDateColumn(row.creationDate).getTime(),
    config,
    affiliations: new Map(),
    subscriptions: new Map(),
    lastItem: undefined,
    lastPublishedAt: 0,
    itemCount: undefined,
  }
}

export function storedAffiliation(affiliation: Affiliation): string {
  return STORED_AFFILIATION[affiliation] ?? affiliation
}

/** `none` for what is none of ours. */
export function affiliationOf(stored: string): Affiliation {
  return AFFILIATIONS.find((it) => storedAffiliation(it) === stored) ?? 'none'
}

/** Undefined for a row that can be nobody's subscription. */
export function subscriptionFromRow({ id, jid, state }: SubscriptionRow): Subscription | undefined {
  const subscriber = Jid.tryParse(jid)
  if (!subscriber || (state !== 'subscribed' && state !== 'pending')) return undefined
  return { id, jid: subscriber, state }
}

function sendLastCodes(serviceID: string): readonly SendLast[] {
  return SEND_LAST_CODES[serviceID.includes('@') ? 'account' : 'service']
}

function oneOf<T extends string>(all: readonly T[], text: string | null | undefined, otherwise: T): T {
  return all.find((it) => it === text) ?? otherwise
}
