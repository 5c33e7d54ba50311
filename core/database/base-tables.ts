/** Openfire's tables that the database layer itself needs (openfire.md §3.1). Made where they are missing, never changed. */
import type { Knex } from 'knex'

export async function createBaseTables(knex: Knex): Promise<void> {
  await createMissing(knex, 'ofVersion', (table) => {
    table.string('name', 50).notNullable().primary()
    table.integer('version').notNullable()
  })
  await createMissing(knex, 'ofID', (table) => {
    table.integer('idType').notNullable().primary()
    table.bigInteger('id').notNullable()
  })
}

async function createMissing(knex: Knex, name: string, columns: (table: Knex.CreateTableBuilder) => void): Promise<void> {
  if (await knex.schema.hasTable(name)) return
  try {
    await knex.schema.createTable(name, columns)
  } catch (error) {
    if (!(await knex.schema.hasTable(name))) throw error // else another process was quicker
  }
}
