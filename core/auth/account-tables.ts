/** Openfire's tables of accounts (openfire.md §3.1). Each is made only where it is missing, so an Openfire database is used in place. */
import { createMissingTable, type DatabaseClient, type Migration, type TableColumns } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import { isLeftByFirstRelease, openfireVersionOf, SCRAM_TABLE_SINCE } from '../database/openfire-schema.js'

export const accountTables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, 'ofUser', (table, client) => {
        username(table, client).primary()
        table.string('plainPassword', 32)
        table.string('encryptedPassword', 255)
        table.string('name', 100)
        table.string('email', 100)
        table.specificType('creationDate', 'char(15)').notNullable().index('ofUser_cDate_idx')
        table.specificType('modificationDate', 'char(15)').notNullable()
      })
      await createMissingTable(details, 'ofUserProp', (table, client) => {
        username(table, client)
        table.string('name', 100).notNullable()
        table.text('propValue').notNullable()
        table.primary(['username', 'name'])
      })
      await createMissingTable(details, 'ofUserFlag', (table, client) => {
        username(table, client)
        table.string('name', 100).notNullable()
        table.specificType('startTime', 'char(15)').index('ofUserFlag_sTime_idx')
        table.specificType('endTime', 'char(15)').index('ofUserFlag_eTime_idx')
        table.primary(['username', 'name'])
      })
      await createMissingTable(details, 'ofProperty', (table) => {
        table.string('name', 100).notNullable().primary()
        table.text('propValue').notNullable()
        table.integer('encrypted')
        table.specificType('iv', 'char(24)')
      })
      // Openfire's own is left to Openfire: one below the version that has it makes it itself when it is upgraded, and would fail over ours
      if ((await openfireVersionOf(details.knex)) === undefined) await createMissingTable(details, 'ofUserScram', scramColumns)
      else await createExtra(details)
    },
  },
  {
    version: 2,
    async up(_schema, details) {
      const { knex } = details
      const openfire = await openfireVersionOf(knex)
      if (openfire === undefined || !(await isLeftByFirstRelease(knex))) return
      if (openfire < SCRAM_TABLE_SINCE) await giveBackScramTable(knex)
      // Openfire may have changed the password since: they are made again when it is next seen
      else await knex('ofUserScram').where({ mechanism: 'SCRAM-SHA-256' }).del()
      // last, since its being there says that nothing is left to be given back
      await createExtra(details)
    },
  },
]

function createExtra(details: Parameters<Migration['up']>[1]): Promise<void> {
  return createMissingTable(details, 'ofUserScramExtra', (table, client) => {
    scramColumns(table, client)
    table.string('basis', 255).notNullable()
  })
}

const scramColumns: TableColumns = (table, client) => {
  username(table, client)
  table.string('mechanism', 32).notNullable()
  table.string('storedKey', 255)
  table.string('serverKey', 255)
  table.string('salt', 255)
  table.integer('iterations').notNullable()
  table.primary(['username', 'mechanism'])
}

/**
 * The first release made it in such a database, too: what is in it goes where Openfire looks, and the name is free again for its own
 * table. That release emptied the columns of passwords it changed; where one is filled, Openfire has set the password since.
 */
async function giveBackScramTable(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasTable('ofUserScram'))) return
  const rows: Record<string, unknown>[] = await knex('ofUserScram').where({ mechanism: 'SCRAM-SHA-1' })
  for (const { username, storedKey, serverKey, salt, iterations } of rows) {
    await knex('ofUser')
      .where({ username })
      .where((row) => row.whereNull('storedKey').orWhere({ plainPassword: null, encryptedPassword: null }))
      .update({ storedKey, serverKey, salt, iterations })
  }
  await knex.schema.dropTable('ofUserScram')
}

/** Compared byte by byte: MySQL's default collation takes `rené` for `rene`. */
function username(table: Knex.CreateTableBuilder, client: DatabaseClient) {
  const column = table.string('username', 64).notNullable()
  return client === 'mysql' ? column.collate('utf8mb4_bin') : column
}
