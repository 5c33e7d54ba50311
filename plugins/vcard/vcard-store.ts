/** All SQL over `ofVCard`, whose columns are Openfire's (openfire.md §3.1). */
import { createMissingTable, type Database, type Migration, XmlColumn } from '@beaconfire/plugin-sdk'

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      // Openfire's own stays as it is, with what is in it.
      await createMissingTable(details, 'ofVCard', (t) => {
        t.string('username', 64).notNullable().primary()
        t.text('vcard', 'mediumtext').notNullable()
      })
    },
  },
]

interface VcardRow {
  readonly username: string
  /** The `<vCard/>` element. */
  readonly vcard: string
}

export class VcardStore {
  readonly #database: Database

  #column = XmlColumn.unlimited

  constructor(database: Database) {
    this.#database = database
  }

  async start(): Promise<void> {
    this.#column = await XmlColumn.of(this.#database, 'ofVCard', 'vcard')
  }

  async find(username: string): Promise<string | undefined> {
    const [row] = await this.#database.read<Pick<VcardRow, 'vcard'>>('select vcard from ofVCard where username = ?', [username])
    return row?.vcard
  }

  /** Resolves when it is on disk. */
  async save(username: string, vcard: string): Promise<void> {
    await this.#database
      .knex('ofVCard')
      .insert({ username, vcard: this.#column.encode(vcard) })
      .onConflict('username')
      .merge()
  }

  async remove(username: string): Promise<void> {
    await this.#database.knex('ofVCard').where({ username }).delete()
  }
}
