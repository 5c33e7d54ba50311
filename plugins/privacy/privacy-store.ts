/** All SQL over `ofPrivacyList`, which is Openfire's (openfire.md §3.1). */
import { createMissingTable, type Database, type Logger, type Migration, StanzaError, XmlColumn } from '@beaconfire/plugin-sdk'
import type { AccountLists } from './account-lists.js'
import { parseStoredList, storedList } from './list-xml.js'
import type { PrivacyList } from './privacy-list.js'

/** Bytes a TEXT column holds. */
const LONGEST_LIST = 65_535

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      // Openfire's own stays as it is, with what is in it.
      await createMissingTable(details, 'ofPrivacyList', (table) => {
        table.string('username', 64).notNullable()
        table.string('name', 100).notNullable()
        table.tinyint('isDefault').notNullable()
        table.text('list').notNullable()
        table.primary(['username', 'name'])
        table.index(['username', 'isDefault'], 'ofPList_default_idx')
      })
    },
  },
]

interface ListRow {
  readonly name: string
  readonly isDefault: number
  readonly list: string
}

export class PrivacyStore {
  readonly #database: Database
  readonly #log: Logger
  #column = XmlColumn.unlimited

  constructor(database: Database, log: Logger) {
    this.#database = database
    this.#log = log
  }

  async start(): Promise<void> {
    this.#column = await XmlColumn.of(this.#database, 'ofPrivacyList', 'list')
  }

  /** Usernames of all accounts that have lists. */
  async accounts(): Promise<string[]> {
    const rows: { username: string }[] = await this.#database.knex('ofPrivacyList').distinct('username')
    return rows.map((row) => row.username)
  }

  /** A list that cannot be read is left out, and logged: it is still there. */
  async load(username: string): Promise<AccountLists> {
    const rows = await this.#database.read<ListRow>('select name, isDefault, list from ofPrivacyList where username = ? order by name', [username])
    const lists = new Map<string, PrivacyList>()
    let defaultName: string | undefined
    for (const { name, isDefault, list } of rows) {
      const parsed = this.#parse(username, name, list)
      if (!parsed) continue
      lists.set(name, parsed)
      if (Number(isDefault) === 1) defaultName = name
    }
    return { defaultName, lists }
  }

  /**
   * Makes the rows of `before` those of `after`. Resolves when that is on disk.
   * @throws StanzaError resource-constraint for a list that the column does not hold, conflict when the names of two lists are the same to the database
   */
  async replace(username: string, before: AccountLists, after: AccountLists): Promise<void> {
    const changed = [...after.lists.values()]
      .filter((list) => before.lists.get(list.name) !== list)
      .map((list) => [list.name, this.#text(list)] as const)
    const removed = [...before.lists.keys()].filter((name) => !after.lists.has(name))
    try {
      await this.#database.transaction(async (trx) => {
        if (removed.length > 0) await trx('ofPrivacyList').where({ username }).whereIn('name', removed).delete()
        for (const [name, list] of changed) {
          if (before.lists.has(name)) await trx('ofPrivacyList').where({ username, name }).update({ list })
          else await trx('ofPrivacyList').insert({ username, name, isDefault: 0, list })
        }
        if (before.defaultName === after.defaultName) return
        await trx('ofPrivacyList').where({ username, isDefault: 1 }).update({ isDefault: 0 })
        if (after.defaultName !== undefined) await trx('ofPrivacyList').where({ username, name: after.defaultName }).update({ isDefault: 1 })
      })
    } catch (error) {
      if (this.#database.isDuplicate(error)) throw new StanzaError('conflict', { text: 'There is a list of nearly the same name.' })
      throw error
    }
  }

  async removeAll(username: string): Promise<void> {
    await this.#database.knex('ofPrivacyList').where({ username }).delete()
  }

  #text(list: PrivacyList): string {
    const text = this.#column.encode(storedList(list))
    if (Buffer.byteLength(text) > LONGEST_LIST) throw new StanzaError('resource-constraint', { text: 'This list is too long.' })
    return text
  }

  #parse(username: string, name: string, list: string): PrivacyList | undefined {
    try {
      return parseStoredList(name, list, (error) =>
        this.#log.warn({ username, list: name, error }, 'an item of a stored privacy list cannot be read'),
      )
    } catch (error) {
      this.#log.error({ username, list: name, error }, 'a stored privacy list cannot be read, and is not applied')
      return undefined
    }
  }
}
