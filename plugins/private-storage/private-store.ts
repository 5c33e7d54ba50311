/** All SQL over `ofPrivate`, Openfire's table of private XML before it moved that into pubsub's, and over what it has moved there. */
import { createMissingTable, type Database, type Logger, type Migration, parseElement, XmlColumn, XmlError } from '@beaconfire/plugin-sdk'

/** Characters that the columns hold. */
export const LONGEST_NAME = 100
export const LONGEST_NAMESPACE = 200
/** Items of one node that are looked at. */
const MOST_MOVED = 10

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      // Openfire's own stays as it is, with what is in it.
      await createMissingTable(details, 'ofPrivate', (t) => {
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
  readonly #domain: string
  readonly #log: Logger | undefined
  #column = XmlColumn.unlimited
  #isBesidePubsub = false

  /** @param domain of the accounts */
  constructor(database: Database, domain = 'localhost', log?: Logger) {
    this.#database = database
    this.#domain = domain
    this.#log = log
  }

  async start(): Promise<void> {
    const { knex } = this.#database
    this.#column = await XmlColumn.of(this.#database, 'ofPrivate', 'privateData')
    // only an Openfire installation has private data there
    const [openfire] = (await knex.schema.hasTable('ofVersion')) ? await knex('ofVersion').where({ name: 'openfire' }).select('name') : []
    this.#isBesidePubsub = openfire !== undefined && (await knex.schema.hasTable('ofPubsubItem'))
  }

  async find(username: string, key: PrivateKey): Promise<string | undefined> {
    const { name, namespace } = key
    const row: PrivateElement | undefined = await this.#database.knex('ofPrivate').where({ username, name, namespace }).first()
    return row?.privateData ?? (this.#isBesidePubsub ? this.#findMoved(username, key) : undefined)
  }

  /** A later Openfire keeps private data as items of nodes of the account's personal eventing, named after the namespace. */
  async #findMoved(username: string, { name, namespace }: PrivateKey): Promise<string | undefined> {
    const rows: { payload: string | null }[] = await this.#database
      .knex('ofPubsubItem')
      .where({ serviceID: `${username}@${this.#domain}`, nodeID: namespace })
      .orderBy('creationDate', 'desc')
      .limit(MOST_MOVED)
      .select('payload')
    for (const { payload } of rows) {
      if (payload !== null && this.#isElement(username, payload, name)) return payload
    }
    return undefined
  }

  #isElement(username: string, payload: string, name: string): boolean {
    try {
      return parseElement(payload).getName() === name
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.#log?.warn({ username, name }, 'private data among the items of Openfire cannot be read')
      return false
    }
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
            .insert({ username, name: it.name, namespace: it.namespace, privateData: this.#column.encode(it.privateData) })
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
