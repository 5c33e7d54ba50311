/** Openfire's pubsub tables (openfire.md §3.1), in place where there are some, and one of our own for what Openfire has no column for. */
import { createMissingTable, type Migration, type TableColumns } from '@beaconfire/plugin-sdk'

type TableBuilder = Parameters<TableColumns>[0]

const key = (table: TableBuilder) => {
  table.string('serviceID', 100).notNullable()
  table.string('nodeID', 100).notNullable()
}
const flag = (table: TableBuilder, ...names: string[]) => {
  for (const name of names) table.specificType(name, 'tinyint').notNullable()
}

const node: TableColumns = (table) => {
  key(table)
  flag(table, 'leaf')
  table.specificType('creationDate', 'char(15)').notNullable()
  table.specificType('modificationDate', 'char(15)').notNullable()
  table.string('parent', 100)
  flag(table, 'deliverPayloads')
  table.integer('maxPayloadSize')
  table.specificType('persistItems', 'tinyint')
  table.integer('maxItems')
  flag(table, 'notifyConfigChanges', 'notifyDelete', 'notifyRetract', 'presenceBased', 'sendItemSubscribe')
  table.string('publisherModel', 15).notNullable()
  flag(table, 'subscriptionEnabled', 'configSubscription')
  table.string('accessModel', 10).notNullable()
  for (const name of ['payloadType', 'bodyXSLT', 'dataformXSLT']) table.string(name, 100)
  table.string('creator', 255).notNullable()
  table.string('description', 255)
  table.string('language', 255)
  table.string('name', 50)
  table.string('replyPolicy', 15)
  table.string('associationPolicy', 15)
  table.integer('maxLeafNodes')
  table.primary(['serviceID', 'nodeID'])
}

const defaults: TableColumns = (table) => {
  table.string('serviceID', 100).notNullable()
  flag(table, 'leaf', 'deliverPayloads')
  table.integer('maxPayloadSize').notNullable()
  flag(table, 'persistItems')
  table.integer('maxItems').notNullable()
  flag(table, 'notifyConfigChanges', 'notifyDelete', 'notifyRetract', 'presenceBased', 'sendItemSubscribe')
  table.string('publisherModel', 15).notNullable()
  flag(table, 'subscriptionEnabled')
  table.string('accessModel', 10).notNullable()
  table.string('language', 255)
  table.string('replyPolicy', 15)
  table.string('associationPolicy', 15).notNullable()
  table.integer('maxLeafNodes').notNullable()
  table.primary(['serviceID', 'leaf'])
}

const subscription: TableColumns = (table) => {
  key(table)
  table.string('id', 100).notNullable()
  table.string('jid', 255).notNullable()
  table.string('owner', 255).notNullable()
  table.string('state', 15).notNullable()
  flag(table, 'deliver', 'digest')
  table.integer('digest_frequency').notNullable()
  table.specificType('expire', 'char(15)')
  flag(table, 'includeBody')
  table.string('showValues', 30)
  table.string('subscriptionType', 10).notNullable()
  flag(table, 'subscriptionDepth')
  table.string('keyword', 200)
  table.primary(['serviceID', 'nodeID', 'id'])
}

const TABLES: readonly (readonly [name: string, define: TableColumns])[] = [
  ['ofPubsubNode', node],
  [
    'ofPubsubNodeJIDs',
    (table) => {
      key(table)
      table.string('jid', 255).notNullable()
      table.string('associationType', 20).notNullable()
      table.primary(['serviceID', 'nodeID', 'jid'])
    },
  ],
  [
    'ofPubsubNodeGroups',
    (table) => {
      key(table)
      table.string('rosterGroup', 100).notNullable()
      table.index(['serviceID', 'nodeID'], 'ofPubsubNodeGroups_idx')
    },
  ],
  [
    'ofPubsubAffiliation',
    (table) => {
      key(table)
      table.string('jid', 255).notNullable()
      table.string('affiliation', 10).notNullable()
      table.primary(['serviceID', 'nodeID', 'jid'])
    },
  ],
  [
    'ofPubsubItem',
    (table) => {
      key(table)
      table.string('id', 100).notNullable()
      table.string('jid', 255).notNullable()
      table.specificType('creationDate', 'char(15)').notNullable()
      table.text('payload', 'mediumtext')
      table.primary(['serviceID', 'nodeID', 'id'])
      table.index(['serviceID', 'nodeID', 'creationDate'], 'ofPubsubItem_date_idx')
    },
  ],
  ['ofPubsubSubscription', subscription],
  ['ofPubsubDefaultConf', defaults],
  [
    'ofPubsubNodeProp',
    (table) => {
      key(table)
      table.string('name', 50).notNullable()
      table.string('propValue', 255).notNullable()
      table.primary(['serviceID', 'nodeID', 'name'])
    },
  ],
]

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      for (const [name, define] of TABLES) await createMissingTable(details, name, define)
    },
  },
]
