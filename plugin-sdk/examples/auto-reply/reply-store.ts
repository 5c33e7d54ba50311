/** The tables of replies and of who got one, and all SQL over them. */
import { createMissingTable, type Database, type Migration, type TableColumns } from '@beaconfire/plugin-sdk'

const REPLIES = 'autoReplies'
const ANSWERED = 'autoReplyAnswered'
const LONGEST_USERNAME = 64
const LONGEST_SENDER = 320

const answeredColumns: TableColumns = (table) => {
  table.string('username', LONGEST_USERNAME).notNullable()
  table.string('sender', LONGEST_SENDER).notNullable()
  table.bigInteger('at').notNullable()
  table.primary(['username', 'sender'])
}

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, REPLIES, (table) => {
        table.string('username', LONGEST_USERNAME).notNullable().primary()
        table.text('text').notNullable()
        table.bigInteger('setAt').notNullable()
      })
      await createMissingTable(details, ANSWERED, answeredColumns, { autoReplyAnswered_at_idx: ['at'] })
    },
  },
]

export interface Reply {
  readonly username: string
  readonly text: string
  /** Epoch milliseconds. */
  readonly setAt: number
}

export class ReplyStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  all(): Promise<Reply[]> {
    return this.#database.knex<Reply>(REPLIES).select('username', 'text', 'setAt')
  }

  /** Who was answered before is answered again: the text is another. */
  async set(reply: Reply): Promise<void> {
    await this.#database.transaction(async (trx) => {
      await trx(ANSWERED).where({ username: reply.username }).delete()
      await trx(REPLIES)
        .insert({ ...reply })
        .onConflict('username')
        .merge(['text', 'setAt'])
    })
  }

  /** @returns false when there was none */
  async remove(username: string): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      await trx(ANSWERED).where({ username }).delete()
      return (await trx(REPLIES).where({ username }).delete()) > 0
    })
  }

  /**
   * Notes that the sender gets a reply now, unless one was sent after `since`.
   * @param sender bare JID @returns true for the one who has noted it, on whichever node
   */
  async claim(username: string, sender: string, at: number, since: number): Promise<boolean> {
    const key = { username, sender: sender.slice(0, LONGEST_SENDER) }
    const { knex } = this.#database
    if ((await knex(ANSWERED).where(key).where('at', '<=', since).update({ at })) > 0) return true
    try {
      await knex(ANSWERED).insert({ ...key, at })
      return true
    } catch (error) {
      if (this.#database.isDuplicate(error)) return false
      throw error
    }
  }

  async forgetAnswered(before: number): Promise<void> {
    await this.#database.knex(ANSWERED).where('at', '<', before).delete()
  }
}
