/** How a migration makes a table of ours, the same on both engines, again after a run that was interrupted, and beside Openfire's. */
import type { Knex } from 'knex'
import type { DatabaseClient, Migration } from './database.js'

type StepDetails = Parameters<Migration['up']>[1]

/** Adds the columns and keys of a table that is being made. */
export type TableColumns = (table: Knex.CreateTableBuilder, client: DatabaseClient) => void

/**
 * Makes the table unless there is one of that name: Openfire's own, which stays as it is, or what an interrupted run of the step has left.
 * A table that is there is whole: MySQL commits each statement by itself, so there the table is made by one, with all its keys and
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
  for (const { sql, bindings } of inOneStatement(statementsOf(made), name)) await knex.raw(sql, bindings)
}

interface Statement {
  readonly sql: string
  readonly bindings: readonly Knex.RawBinding[]
}

/** Knex adds most keys and indexes by statements of their own; each can stand behind the columns as well. */
function inOneStatement([create, ...others]: readonly Statement[], name: string): Statement[] {
  const add = `alter table \`${name}\` add `
  const { sql, bindings } = create as Statement
  const end = sql.lastIndexOf(') default character set ')
  const isKey = (it: Statement) => end > 0 && it.bindings.length === 0 && it.sql.startsWith(add)
  const keys = others.filter(isKey).map((it) => `, ${it.sql.slice(add.length)}`)
  return [{ sql: sql.slice(0, end) + keys.join('') + sql.slice(end), bindings }, ...others.filter((it) => !isKey(it))]
}

/** Knex declares one statement where there may be several. */
function statementsOf(schema: Knex.SchemaBuilder): readonly Statement[] {
  return schema.toSQL() as unknown as readonly Statement[]
}

async function indexesOf({ client, knex }: StepDetails, table: string): Promise<ReadonlySet<string>> {
  const query =
    client === 'sqlite'
      ? knex('sqlite_master').where({ type: 'index', tbl_name: table }).select('name')
      : knex('information_schema.statistics').whereRaw('table_schema = database()').where('table_name', table).distinct('index_name as name')
  return new Set(((await query) as { name: string }[]).map((it) => it.name))
}
