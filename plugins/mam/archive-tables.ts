/** `ofMamArchive`: a row for each message in each account's archive; `ofMamPreference`: what is archived; `ofMamKey`: what ids are made with. */
import type { DatabaseClient, Migration } from '@beaconfire/plugin-sdk'

type MigrationKnex = Parameters<Migration['up']>[1]['knex']

/** Each query walks one of these in the order of its page, so that it never sorts. Both engines end each with the key. */
const INDEXES: Readonly<Record<string, readonly string[]>> = {
  ofMamArchive_user_idx: ['username', 'sentDate'],
  ofMamArchive_contact_idx: ['username', 'contact', 'sentDate'],
  ofMamArchive_time_idx: ['sentDate'],
}

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, { client, knex }) {
      await createArchive(knex, client)
      await createMissing(knex, client, 'ofMamPreference', (t) => {
        t.string('username', 64).notNullable().primary()
        t.string('defaultBehavior', 10).notNullable()
        t.text('alwaysJIDs', 'mediumtext').notNullable()
        t.text('neverJIDs', 'mediumtext').notNullable()
      })
      await createMissing(knex, client, 'ofMamKey', (t) => {
        t.integer('keyID').notNullable().primary()
        t.string('idKey', 32).notNullable()
      })
    },
  },
]

async function createArchive(knex: MigrationKnex, client: DatabaseClient): Promise<void> {
  await createMissing(knex, client, 'ofMamArchive', (t) => {
    if (client === 'mysql') t.bigInteger('archiveID').primary()
    else t.integer('archiveID').primary() // an INTEGER key is SQLite's row id, and saves an index
    t.string('username', 64).notNullable()
    t.bigInteger('contact').notNullable()
    t.text('withJID').notNullable()
    t.text('withResource').notNullable()
    t.bigInteger('sentDate').notNullable()
    t.text('stanza', 'mediumtext').notNullable()
  })
  const present = await presentIndexes(knex, client)
  for (const [name, columns] of Object.entries(INDEXES)) {
    if (!present.has(name)) await knex.schema.alterTable('ofMamArchive', (t) => t.index([...columns], name))
  }
}

async function createMissing(
  knex: MigrationKnex,
  client: DatabaseClient,
  name: string,
  columns: (table: Parameters<Parameters<MigrationKnex['schema']['createTable']>[1]>[0]) => void,
): Promise<void> {
  if (await knex.schema.hasTable(name)) return
  await knex.schema.createTable(name, (t) => {
    if (client === 'mysql') {
      // Names and JIDs are compared letter by letter: any other collation folds cases and accents.
      t.charset('utf8mb4')
      t.collate('utf8mb4_bin')
    }
    columns(t)
  })
}

/** Those that an interrupted run of this step left behind: MySQL commits each change of a table by itself. */
async function presentIndexes(knex: MigrationKnex, client: DatabaseClient): Promise<ReadonlySet<string>> {
  if (client === 'sqlite') return new Set()
  const rows = (await knex('information_schema.statistics')
    .whereRaw('table_schema = database()')
    .where('table_name', 'ofMamArchive')
    .distinct('index_name as name')) as { name: string }[]
  return new Set(rows.map((it) => it.name))
}

export type ArchiveRow = {
  /** From the `ofID` sequence 1002. */
  archiveID: number
  /** Whose archive this is. */
  username: string
  /** Of `contactColumn`: a conversation is one range of one index. */
  contact: number
  /** Bare JID of the other side. */
  withJID: string
  /** Its resource, or ''. */
  withResource: string
  /** When the server had it for the archive, in epoch milliseconds; never before that of an earlier row of this server. */
  sentDate: number
  /** As XML. */
  stanza: string
}

/** Which columns a row has, in the order they are written. */
export const COLUMNS = [
  'archiveID',
  'username',
  'contact',
  'withJID',
  'withResource',
  'sentDate',
  'stanza',
] as const satisfies readonly (keyof ArchiveRow)[]

export type PreferenceRow = {
  username: string
  defaultBehavior: string
  /** JSON: a list of JIDs. */
  alwaysJIDs: string
  neverJIDs: string
}
