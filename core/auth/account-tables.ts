/** Openfire's tables of accounts (openfire.md §3.1). Each is made only where it is missing, so an Openfire database is used in place. */
import type { DatabaseClient, Migration } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'

type Columns = (table: Knex.CreateTableBuilder) => void

export const accountTables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, { client, knex }) {
      const createMissing = async (name: string, columns: Columns) => {
        if (!(await knex.schema.hasTable(name))) await knex.schema.createTable(name, columns)
      }
      await createMissing('ofUser', (table) => {
        username(table, client).primary()
        table.string('plainPassword', 32)
        table.string('encryptedPassword', 255)
        table.string('name', 100)
        table.string('email', 100)
        table.specificType('creationDate', 'char(15)').notNullable().index('ofUser_cDate_idx')
        table.specificType('modificationDate', 'char(15)').notNullable()
      })
      await createMissing('ofUserProp', (table) => {
        username(table, client)
        table.string('name', 100).notNullable()
        table.text('propValue').notNullable()
        table.primary(['username', 'name'])
      })
      await createMissing('ofUserFlag', (table) => {
        username(table, client)
        table.string('name', 100).notNullable()
        table.specificType('startTime', 'char(15)').index('ofUserFlag_sTime_idx')
        table.specificType('endTime', 'char(15)').index('ofUserFlag_eTime_idx')
        table.primary(['username', 'name'])
      })
      await createMissing('ofProperty', (table) => {
        table.string('name', 100).notNullable().primary()
        table.text('propValue').notNullable()
        table.integer('encrypted')
        table.specificType('iv', 'char(24)')
      })
      await createScram(knex, createMissing, client)
    },
  },
]

/** Openfire up to schema 38 kept the keys in `ofUser`; they are copied as its own upgrade 39 does. */
async function createScram(knex: Knex, create: (name: string, columns: Columns) => Promise<void>, client: DatabaseClient): Promise<void> {
  if (await knex.schema.hasTable('ofUserScram')) return
  await create('ofUserScram', (table) => {
    username(table, client)
    table.string('mechanism', 32).notNullable()
    table.string('storedKey', 255)
    table.string('serverKey', 255)
    table.string('salt', 255)
    table.integer('iterations').notNullable()
    table.primary(['username', 'mechanism'])
  })
  if (!(await knex.schema.hasColumn('ofUser', 'storedKey'))) return
  const keys = knex('ofUser').whereNotNull('storedKey').select('username', knex.raw(`'SCRAM-SHA-1'`), 'storedKey', 'serverKey', 'salt', 'iterations')
  await knex(
    knex.raw('?? (??, ??, ??, ??, ??, ??)', ['ofUserScram', 'username', 'mechanism', 'storedKey', 'serverKey', 'salt', 'iterations']),
  ).insert(keys)
}

/** Compared byte by byte: MySQL's default collation takes `rené` for `rene`. */
function username(table: Knex.CreateTableBuilder, client: DatabaseClient) {
  const column = table.string('username', 64).notNullable()
  return client === 'mysql' ? column.collate('utf8mb4_bin') : column
}
