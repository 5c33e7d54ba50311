/** The table of events that wait or could not be sent, and all SQL over it. */
import { type Appender, createMissingTable, type Database, type Migration } from '@beaconfire/plugin-sdk'

const TABLE = 'webhookEvents'
const COLUMNS = ['createdAt', 'attempts', 'state', 'event'] as const
const LONGEST_ERROR = 500
const DELETED_AT_ONCE = 500

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, TABLE, (table) => {
        table.bigIncrements('id')
        table.bigInteger('createdAt').notNullable()
        table.integer('attempts').notNullable()
        table.string('state', 7).notNullable()
        table.text('event', 'mediumtext').notNullable()
        table.string('error', LONGEST_ERROR)
        table.index(['state', 'id'], 'webhookEvents_state_idx')
      })
    },
  },
]

export type StoredEvent = {
  readonly id: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly attempts: number
  readonly state: 'waiting' | 'dead'
  /** JSON. */
  readonly event: string
  /** Why the last attempt failed. */
  readonly error: string | null
}
type NewRow = Pick<StoredEvent, (typeof COLUMNS)[number]>

export class EventStore {
  readonly #database: Database
  readonly #appender: Appender<NewRow>

  constructor(database: Database) {
    this.#database = database
    this.#appender = database.appender<NewRow>(TABLE, COLUMNS)
  }

  /** Resolves when the event is on disk; rows of many messages share a transaction. */
  append(event: string): Promise<void> {
    return this.#appender.append({ createdAt: Date.now(), attempts: 0, state: 'waiting', event })
  }

  whenIdle(): Promise<void> {
    return this.#appender.whenIdle()
  }

  /** Those that wait longest, oldest first. */
  next(limit: number): Promise<StoredEvent[]> {
    return this.#rows().where('state', 'waiting').orderBy('id').limit(limit)
  }

  async count(state: StoredEvent['state']): Promise<number> {
    const [row] = (await this.#rows().where('state', state).count({ rows: '*' })) as unknown as { rows: number | string }[]
    return Number(row?.rows ?? 0)
  }

  async remove(ids: readonly number[]): Promise<void> {
    await this.#rows()
      .whereIn('id', [...ids])
      .delete()
  }

  /** @returns how many of them are dead now */
  async failed(ids: readonly number[], error: string, maxAttempts: number): Promise<number> {
    return this.#database.transaction(async (trx) => {
      const those = () => trx<StoredEvent>(TABLE).whereIn('id', [...ids])
      await those().increment('attempts', 1)
      await those().update({ error: error.slice(0, LONGEST_ERROR) })
      return those().where('attempts', '>=', maxAttempts).update({ state: 'dead' })
    })
  }

  /** Dead letters after `after`, oldest first. */
  dead(after: number, limit: number): Promise<StoredEvent[]> {
    return this.#rows().where('state', 'dead').where('id', '>', after).orderBy('id').limit(limit)
  }

  /** @param id of one; all unless given @returns how many wait again */
  async revive(id?: number): Promise<number> {
    const dead = this.#rows().where('state', 'dead')
    return (id === undefined ? dead : dead.where({ id })).update({ state: 'waiting', attempts: 0 })
  }

  async removeDead(id: number): Promise<boolean> {
    return (await this.#rows().where({ state: 'dead', id }).delete()) > 0
  }

  /** In batches, between which the server goes on. */
  async removeDeadBefore(createdAt: number): Promise<void> {
    for (;;) {
      const old = await this.#rows().where('state', 'dead').where('createdAt', '<', createdAt).orderBy('id').limit(DELETED_AT_ONCE).select('id')
      await this.remove(old.map((it) => it.id))
      if (old.length < DELETED_AT_ONCE) return
    }
  }

  #rows() {
    return this.#database.knex<StoredEvent, StoredEvent[]>(TABLE)
  }
}
