/** All SQL over `ofPrivate`, Openfire's table of private XML before it moved that into pubsub's. */
import type { Database, Migration } from '@beaconfire/plugin-sdk'

/** Characters that the columns hold. */
export const LONGEST_NAME = 100
export const LONGEST_NAMESPACE = 200

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, { client, knex }) {
      if (await knex.schema.hasTable('ofPrivate')) return // left by an older Openfire, with its data
      await knex.schema.createTable('ofPrivate', (t) => {
        if (client === 'mysql') {
          t.charset('utf8mb4')
          t.collate('utf8mb4_bin')
        }
        t.string('username', 64).notNullable()
        t.string('name', LONGEST_NAME).notNullable()
        t.string('namespace', LONGEST_NAMESPACE).notNullable()
        t.text('privateData').notNullable()
        t.primary(['username', 'name', 'namespace'])
      })
    },
  },
]

/** What identifies an element of one user. */
export interface PrivateKey {
  /** Local name. */
  readonly name: string
  readonly namespace: string
}

export interface PrivateElement extends PrivateKey {
  /** The element as XML that stands alone. */
  readonly privateData: string
}

export class PrivateStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async find(username: string, { name, namespace }: PrivateKey): Promise<string | undefined> {
    const row: PrivateElement | undefined = await this.#database.knex('ofPrivate').where({ username, name, namespace }).first()
    return row?.privateData
  }

  /**
   * All of them or none, each in the place of the one of its name and namespace. Resolves when they are on disk.
   * @returns false, with nothing stored, when the user would have more than `limit`
   */
  async save(username: string, elements: readonly PrivateElement[], limit: number): Promise<boolean> {
    try {
      await this.#database.transaction(async (trx) => {
        for (const it of elements) {
          await trx('ofPrivate')
            .insert({ username, name: it.name, namespace: it.namespace, privateData: it.privateData })
            .onConflict(['username', 'name', 'namespace'])
            .merge(['privateData'])
        }
        const [counted] = await trx('ofPrivate').where({ username }).count({ elements: '*' })
        if (Number((counted as { elements?: number } | undefined)?.elements) > limit) throw new TooMany()
      })
      return true
    } catch (error) {
      if (error instanceof TooMany) return false
      throw error
    }
  }

  async removeAll(username: string): Promise<void> {
    await this.#database.knex('ofPrivate').where({ username }).delete()
  }
}

/** Rolls the transaction back. */
class TooMany extends Error {}
