/** How a migration makes a table of ours, the same on both engines, again after a run that was interrupted, and beside Openfire's. */
import type { Knex } from 'knex'
import type { DatabaseClient, Migration } from './database.js'

type StepDetails = Parameters<Migration['up']>[1]

/** Adds the columns and keys of a table that is being made. */
export type TableColumns = (table: Knex.CreateTableBuilder, client: DatabaseClient) => void

/** A table that is being made on MySQL has this name until it is whole. Migrations wait for each other, so one is enough. */
const UNFINISHED = 'beaconfireUnfinishedTable'

/**
 * Makes the table unless there is one of that name: Openfire's own, which stays as it is, or what an interrupted run of the step has left.
 * A table that is there is whole: MySQL commits each statement by itself, so there the table gets its name when it has all its keys and
 * indexes. Texts are compared letter by letter, as SQLite does: any other collation of MySQL folds cases and accents.
 * @param details what the migration's `up` was given
 * @param indexes columns by name; those that are missing are made, also where the table was there
 */
export async function createMissingTable(
  { client, knex }: StepDetails,
  name: string,
  columns: TableColumns,
  indexes: Readonly<Record<string, readonly string[]>> = {},
): Promise<void> {
  if (!(await knex.schema.hasTable(name))) await createWhole({ client, knex }, name, columns)
  const wanted = Object.entries(indexes)
  if (wanted.length === 0) return
  const present = await indexesOf({ client, knex }, name)
  for (const [index, indexed] of wanted) {
    if (!present.has(index)) await knex.schema.alterTable(name, (table) => void table.index([...indexed], index))
  }
}

async function createWhole({ client, knex }: StepDetails, name: string, columns: TableColumns): Promise<void> {
  if (client === 'sqlite') {
    await knex.schema.createTable(name, (table) => columns(table, client))
    return
  }
  const made = knex.schema.createTable(name, (table) => {
    table.charset('utf8mb4')
    table.collate('utf8mb4_bin')
    columns(table, client)
  })
  await knex.schema.dropTableIfExists(UNFINISHED)
  // Keys and indexes are named after the name it will have, which is the first in each statement.
  for (const { sql, bindings } of statementsOf(made)) await knex.raw(sql.replace(`\`${name}\``, `\`${UNFINISHED}\``), bindings)
  await knex.schema.renameTable(UNFINISHED, name)
}

/** Knex declares one statement where there may be several. */
function statementsOf(schema: Knex.SchemaBuilder): readonly { readonly sql: string; readonly bindings: readonly Knex.RawBinding[] }[] {
  return schema.toSQL() as unknown as readonly { readonly sql: string; readonly bindings: readonly Knex.RawBinding[] }[]
}

async function indexesOf({ client, knex }: StepDetails, table: string): Promise<ReadonlySet<string>> {
  const query =
    client === 'sqlite'
      ? knex('sqlite_master').where({ type: 'index', tbl_name: table }).select('name')
      : knex('information_schema.statistics').whereRaw('table_schema = database()').where('table_name', table).distinct('index_name as name')
  return new Set(((await query) as { name: string }[]).map((it) => it.name))
}
