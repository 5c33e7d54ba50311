/** `ofMamArchive`: a row for each message in each account's archive; `ofMamPreference`: what is archived; `ofMamKey`: what ids are made with. */
import { createMissingTable, type Migration, type TableColumns } from '@beaconfire/plugin-sdk'

/** Each query walks one of these in the order of its page, so that it never sorts. Both engines end each with the key. */
const INDEXES: Readonly<Record<string, readonly string[]>> = {
  ofMamArchive_user_idx: ['username', 'sentDate'],
  ofMamArchive_contact_idx: ['username', 'contact', 'sentDate'],
  ofMamArchive_time_idx: ['sentDate'],
}

const archive: TableColumns = (t, client) => {
  if (client === 'mysql') t.bigInteger('archiveID').primary()
  else t.integer('archiveID').primary() // an INTEGER key is SQLite's row id, and saves an index
  t.string('username', 64).notNullable()
  t.bigInteger('contact').notNullable()
  t.text('withJID').notNullable()
  t.text('withResource').notNullable()
  t.bigInteger('sentDate').notNullable()
  t.text('stanza', 'mediumtext').notNullable()
}

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, 'ofMamArchive', archive, INDEXES)
      await createMissingTable(details, 'ofMamPreference', (t) => {
        t.string('username', 64).notNullable().primary()
        t.string('defaultBehavior', 10).notNullable()
        t.text('alwaysJIDs', 'mediumtext').notNullable()
        t.text('neverJIDs', 'mediumtext').notNullable()
      })
      await createMissingTable(details, 'ofMamKey', (t) => {
        t.integer('keyID').notNullable().primary()
        t.string('idKey', 32).notNullable()
      })
    },
  },
]

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
