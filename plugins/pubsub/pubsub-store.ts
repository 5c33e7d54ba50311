/** All SQL over Openfire's pubsub tables. A service is `pubsub`, or the bare JID of an account (XEP-0163). */
import { type ColumnValue, type Database, fromDateColumn, toDateColumn, XmlColumn } from '@beaconfire/plugin-sdk'
import type { Affiliation, Item, Node, Subscription } from './node.js'
import type { NodeConfig } from './node-config.js'
import {
  affiliationOf,
  configColumns,
  configProps,
  type ItemRow,
  type NodeRow,
  nodeFromRow,
  nodeRow,
  type SubscriptionRow,
  storedAffiliation,
  subscriptionFromRow,
} from './node-rows.js'

/** Values an engine takes in one statement are limited. */
const SLICE = 200
const NODE_COLUMNS = `serviceID, nodeID, creationDate, deliverPayloads, maxPayloadSize, persistItems, maxItems, notifyConfigChanges,
  notifyDelete, notifyRetract, presenceBased, sendItemSubscribe, publisherModel, subscriptionEnabled, accessModel, payloadType, creator,
  description, language, name, replyPolicy`
const ITEM_COLUMNS = 'id, jid, creationDate, payload'
const OF_NODE = 'where serviceID = ? and nodeID = ?'
const NODE_TABLES = [
  'ofPubsubItem',
  'ofPubsubSubscription',
  'ofPubsubAffiliation',
  'ofPubsubNodeJIDs',
  'ofPubsubNodeGroups',
  'ofPubsubNodeProp',
  'ofPubsubNode',
]

interface OfNode {
  readonly serviceID: string
  readonly nodeID: string
}

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

export class PubsubStore {
  readonly #database: Database
  readonly #defaults: (serviceID: string) => NodeConfig
  #column = XmlColumn.unlimited

  /** @param defaults for columns that Openfire may leave empty */
  constructor(database: Database, defaults: (serviceID: string) => NodeConfig) {
    this.#database = database
    this.#defaults = defaults
  }

  /** Looks which characters the column holds, in a table that Openfire made. */
  async start(): Promise<void> {
    this.#column = await XmlColumn.of(this.#database, 'ofPubsubItem', 'payload')
  }

  /** The leaf nodes of these services, by service and node. Services without one are left out. */
  async load(serviceIds: readonly string[]): Promise<Map<string, Map<string, Node>>> {
    const found = new Map<string, Map<string, Node>>()
    for (let start = 0; start < serviceIds.length; start += SLICE) await this.#loadSome(serviceIds.slice(start, start + SLICE), found)
    return found
  }

  /** @param root node id of the service's root collection, which Openfire wants to be there @returns false when the id is taken */
  async create(serviceID: string, root: string, node: Node): Promise<boolean> {
    try {
      await this.#database.transaction(async (trx) => {
        const collection = nodeRow(serviceID, { ...node, id: root }, null)
        await trx('ofPubsubNode').insert(collection).onConflict(['serviceID', 'nodeID']).ignore()
        await trx('ofPubsubNode').insert(nodeRow(serviceID, node, root))
        await this.#saveLists(trx, serviceID, node.id, node.config)
        for (const [jid, affiliation] of node.affiliations) await this.#insertAffiliation(trx, serviceID, node.id, jid, affiliation)
      })
      return true
    } catch (error) {
      if (this.#database.isDuplicate(error)) return false
      throw error
    }
  }

  async configure(serviceID: string, nodeID: string, config: NodeConfig): Promise<void> {
    await this.#database.transaction(async (trx) => {
      await trx('ofPubsubNode').where({ serviceID, nodeID }).update(configColumns(serviceID, config))
      for (const table of ['ofPubsubNodeJIDs', 'ofPubsubNodeGroups', 'ofPubsubNodeProp']) await trx(table).where({ serviceID, nodeID }).delete()
      await this.#saveLists(trx, serviceID, nodeID, config)
    })
  }

  async deleteNode(serviceID: string, nodeID: string): Promise<void> {
    await this.#database.transaction(async (trx) => {
      for (const table of NODE_TABLES) await trx(table).where({ serviceID, nodeID }).delete()
    })
  }

  /** Everything of an account: its own nodes, and what it is at the nodes of others. @param service the account's bare JID */
  async deleteAccount(service: string): Promise<void> {
    await this.#database.transaction(async (trx) => {
      for (const table of NODE_TABLES) await trx(table).where({ serviceID: service }).delete()
      await trx('ofPubsubSubscription').where({ owner: service }).delete()
      await trx('ofPubsubAffiliation').where({ jid: service }).delete()
    })
  }

  /** Stores items, each in place of one of the same id, and removes others, all or nothing. */
  async publish(serviceID: string, nodeID: string, items: readonly Item[], removed: readonly string[]): Promise<void> {
    await this.#database.transaction(async (trx) => {
      for (const { id, publisher, publishedAt, payload } of items) {
        const row = { serviceID, nodeID, id, jid: publisher, creationDate: toDateColumn(publishedAt), payload: this.#column.encode(payload) }
        await trx('ofPubsubItem').insert(row).onConflict(['serviceID', 'nodeID', 'id']).merge()
      }
      await this.#deleteItems(trx, serviceID, nodeID, removed)
    })
  }

  async retract(serviceID: string, nodeID: string, ids: readonly string[]): Promise<void> {
    await this.#database.transaction((trx) => this.#deleteItems(trx, serviceID, nodeID, ids))
  }

  async purge(serviceID: string, nodeID: string): Promise<void> {
    await this.#database.knex('ofPubsubItem').where({ serviceID, nodeID }).delete()
  }

  async countItems(serviceID: string, nodeID: string): Promise<number> {
    const [row] = await this.#database.read<{ n: number }>(`select count(*) as n from ofPubsubItem ${OF_NODE}`, [serviceID, nodeID])
    return Number(row?.n ?? 0)
  }

  /** Ids with their dates, the oldest first. @param limit all unless given */
  async itemIds(serviceID: string, nodeID: string, limit?: number): Promise<{ readonly id: string; readonly publishedAt: number }[]> {
    const query = this.#database.knex('ofPubsubItem').select('id', 'creationDate').where({ serviceID, nodeID })
    const rows = await query.orderBy([{ column: 'creationDate' }, { column: 'id' }]).limit(limit ?? Number.MAX_SAFE_INTEGER)
    return (rows as ItemRow[]).map((it) => ({ id: it.id, publishedAt: fromDateColumn(it.creationDate).getTime() }))
  }

  /** Which of these ids are taken. */
  async existing(serviceID: string, nodeID: string, ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>()
    for (let start = 0; start < ids.length; start += SLICE) {
      const some = ids.slice(start, start + SLICE)
      const sql = `select id from ofPubsubItem ${OF_NODE} and id in (${marks(some)})`
      for (const { id } of await this.#database.read<{ id: string }>(sql, [serviceID, nodeID, ...some])) found.add(id)
    }
    return found
  }

  /** The newest item. */
  async newest(serviceID: string, nodeID: string): Promise<Item | undefined> {
    const sql = `select ${ITEM_COLUMNS} from ofPubsubItem ${OF_NODE} order by creationDate desc, id desc limit 1`
    const [row] = await this.#database.read<ItemRow>(sql, [serviceID, nodeID])
    return row && itemFromRow(row)
  }

  /** Those of these items that there are, by id. */
  async items(serviceID: string, nodeID: string, ids: readonly string[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>()
    for (let start = 0; start < ids.length; start += SLICE) {
      const some = ids.slice(start, start + SLICE)
      const sql = `select ${ITEM_COLUMNS} from ofPubsubItem ${OF_NODE} and id in (${marks(some)})`
      for (const row of await this.#database.read<ItemRow>(sql, [serviceID, nodeID, ...some])) found.set(row.id, itemFromRow(row))
    }
    return found
  }

  async saveAffiliation(serviceID: string, nodeID: string, jid: string, affiliation: Affiliation): Promise<void> {
    await this.#database.transaction(async (trx) => {
      await trx('ofPubsubAffiliation').where({ serviceID, nodeID, jid }).delete()
      if (affiliation !== 'none') await this.#insertAffiliation(trx, serviceID, nodeID, jid, affiliation)
    })
  }

  async saveSubscription(serviceID: string, nodeID: string, { id, jid, state }: Subscription): Promise<void> {
    const row = {
      ...{ serviceID, nodeID, id, jid: jid.toString(), owner: jid.bare().toString(), state },
      ...{ deliver: 1, digest: 0, digest_frequency: 0, includeBody: 0, subscriptionType: 'items', subscriptionDepth: 1 },
    }
    await this.#database.knex('ofPubsubSubscription').insert(row).onConflict(['serviceID', 'nodeID', 'id']).merge(['state'])
  }

  async removeSubscription(serviceID: string, nodeID: string, id: string): Promise<void> {
    await this.#database.knex('ofPubsubSubscription').where({ serviceID, nodeID, id }).delete()
  }

  async #loadSome(ids: readonly string[], found: Map<string, Map<string, Node>>): Promise<void> {
    const of = async <R extends object>(table: string, columns: string, services: readonly string[], more = '') =>
      this.#database.read<R>(`select ${columns} from ${table} where serviceID in (${marks(services)}) ${more}`, services as readonly ColumnValue[])
    const nodes = await of<NodeRow>('ofPubsubNode', NODE_COLUMNS, ids, 'and leaf = 1')
    const services = [...new Set(nodes.map((it) => it.serviceID))]
    if (services.length === 0) return
    const [props, groups, jids, affiliations, subscriptions] = await Promise.all([
      of<OfNode & { name: string; propValue: string }>('ofPubsubNodeProp', 'serviceID, nodeID, name, propValue', services),
      of<OfNode & { rosterGroup: string }>('ofPubsubNodeGroups', 'serviceID, nodeID, rosterGroup', services),
      of<OfNode & { jid: string; associationType: string }>('ofPubsubNodeJIDs', 'serviceID, nodeID, jid, associationType', services),
      of<OfNode & { jid: string; affiliation: string }>('ofPubsubAffiliation', 'serviceID, nodeID, jid, affiliation', services),
      of<SubscriptionRow>('ofPubsubSubscription', 'serviceID, nodeID, id, jid, state', services),
    ])
    const propsOf = new Map<string, Map<string, string>>()
    for (const it of props) entry(propsOf, `${it.serviceID}\n${it.nodeID}`, () => new Map<string, string>()).set(it.name, it.propValue)
    for (const row of nodes) {
      const node = nodeFromRow(row, this.#defaults(row.serviceID), propsOf.get(`${row.serviceID}\n${row.nodeID}`) ?? new Map())
      entry(found, row.serviceID, () => new Map<string, Node>()).set(row.nodeID, node)
    }
    const nodeOf = (it: OfNode) => found.get(it.serviceID)?.get(it.nodeID)
    for (const it of groups) extend(nodeOf(it), 'rosterGroups', it.rosterGroup)
    for (const it of jids) if (it.associationType === 'contact') extend(nodeOf(it), 'contacts', it.jid)
    for (const it of affiliations) {
      const affiliation = affiliationOf(it.affiliation)
      if (affiliation !== 'none') nodeOf(it)?.affiliations.set(it.jid, affiliation)
    }
    for (const row of subscriptions) {
      const subscription = subscriptionFromRow(row)
      if (subscription) nodeOf(row)?.subscriptions.set(subscription.jid.toString(), subscription)
    }
  }

  async #saveLists(trx: Transaction, serviceID: string, nodeID: string, config: NodeConfig): Promise<void> {
    for (const rosterGroup of new Set(config.rosterGroups)) await trx('ofPubsubNodeGroups').insert({ serviceID, nodeID, rosterGroup })
    for (const jid of new Set(config.contacts)) await trx('ofPubsubNodeJIDs').insert({ serviceID, nodeID, jid, associationType: 'contact' })
    for (const [name, propValue] of configProps(config)) await trx('ofPubsubNodeProp').insert({ serviceID, nodeID, name, propValue })
  }

  async #insertAffiliation(trx: Transaction, serviceID: string, nodeID: string, jid: string, affiliation: Affiliation): Promise<void> {
    await trx('ofPubsubAffiliation').insert({ serviceID, nodeID, jid, affiliation: storedAffiliation(affiliation) })
  }

  async #deleteItems(trx: Transaction, serviceID: string, nodeID: string, ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += SLICE) {
      await trx('ofPubsubItem')
        .where({ serviceID, nodeID })
        .whereIn('id', ids.slice(start, start + SLICE))
        .delete()
    }
  }
}

function itemFromRow({ id, jid, creationDate, payload }: ItemRow): Item {
  return { id, publisher: jid, publishedAt: fromDateColumn(creationDate).getTime(), payload: payload ?? '' }
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ')
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function extend(node: Node | undefined, key: 'contacts' | 'rosterGroups', value: string): void {
  if (node) node.config = { ...node.config, [key]: [...node.config[key], value] }
}
