/** The table of rules, and all SQL over it. */
import { createMissingTable, type Database, type Migration } from '@beaconfire/plugin-sdk'

const TABLE = 'contentFilterRules'

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, TABLE, (table) => {
        table.increments('id')
        table.string('pattern', 200).notNullable().unique({ indexName: 'contentFilterRules_pattern_idx' })
        table.string('action', 6).notNullable()
      })
    },
  },
]

export type Action = 'reject' | 'mask'

export interface Rule {
  readonly id: number
  readonly pattern: string
  readonly action: Action
}

export class RuleStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  all(): Promise<Rule[]> {
    return this.#database.knex<Rule>(TABLE).select('id', 'pattern', 'action').orderBy('id')
  }

  /** @returns undefined when there is such a pattern already */
  async add(rule: Omit<Rule, 'id'>): Promise<Rule | undefined> {
    return this.#unlessDuplicate(async () => {
      const [id] = await this.#database.knex(TABLE).insert(rule)
      return { id: Number(id), ...rule }
    })
  }

  /** @returns undefined when another rule has this pattern */
  async change(rule: Rule): Promise<Rule | undefined> {
    return this.#unlessDuplicate(async () => {
      await this.#database.knex(TABLE).where('id', rule.id).update({ pattern: rule.pattern, action: rule.action })
      return rule
    })
  }

  async remove(id: number): Promise<void> {
    await this.#database.knex(TABLE).where('id', id).delete()
  }

  async #unlessDuplicate(write: () => Promise<Rule>): Promise<Rule | undefined> {
    try {
      return await write()
    } catch (error) {
      if (this.#database.isDuplicate(error)) return undefined
      throw error
    }
  }
}
