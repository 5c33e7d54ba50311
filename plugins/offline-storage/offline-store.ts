/** All SQL over `ofOffline`, whose columns are Openfire's (openfire.md §3.1). */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  createMissingTable,
  type Database,
  fromDateColumnOr,
  type Migration,
  NumberedAppender,
  type TableColumns,
  toDateColumn,
  XmlColumn,
} from '@beaconfire/plugin-sdk'

/** The `ofID` sequence of messageID. */
const ID_TYPE = 19
const DELETED_AT_ONCE = 500
/** Most mailboxes hold no more: their sizes are read as rows, which is quicker than to have a sum made in a thread. */
const FEW_MESSAGES = 100
const SIZES = 'select messageSize from ofOffline where username = ? limit ?'

const columns: TableColumns = (t) => {
  t.string('username', 64).notNullable()
  t.bigInteger('messageID').notNullable()
  t.specificType('creationDate', 'char(15)').notNullable()
  t.integer('messageSize').notNullable()
  t.text('stanza', 'mediumtext').notNullable()
  t.primary(['username', 'messageID'])
}

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      // Openfire's own stays as it is, with what is in it.
      await createMissingTable(details, 'ofOffline', columns)
    },
  },
  {
    version: 2,
    /** A user's messages are read and removed together: SQLite then has them side by side, as MySQL does with any primary key. */
    async up(_schema, { client, knex }) {
      if (client !== 'sqlite') return
      await knex.schema.renameTable('ofOffline', 'ofOfflineInOrderOfArrival')
      for (const { sql } of knex.schema.createTable('ofOffline', (t) => columns(t, client)).toSQL()) await knex.raw(`${sql} without rowid`)
      await knex.raw(
        'insert into ofOffline select username, messageID, creationDate, messageSize, stanza from ofOfflineInOrderOfArrival order by username, messageID',
      )
      await knex.schema.dropTable('ofOfflineInOrderOfArrival')
    },
  },
  {
    version: 3,
    /** A message may be longer than MySQL's TEXT. Where Openfire made the table it stays as it is. */
    async up(_schema, { client, knex }) {
      if (client === 'sqlite' || (await knex('ofVersion').where({ name: 'openfire' }).first())) return
      await knex.schema.alterTable('ofOffline', (t) => void t.text('stanza', 'mediumtext').notNullable().alter())
    },
  },
]

type OfflineRow = {
  username: string
  messageID: number
  /** Epoch milliseconds, zero-padded to 15. */
  creationDate: string
  /** Characters of `stanza`. */
  messageSize: number
  stanza: string
}

/** A kept message. */
export interface KeptMessage {
  readonly messageID: number
  /** Long ago where the row holds no date. */
  readonly createdAt: Date
  /** As it stands in the row: rows are ordered by it. */
  readonly creationDate: string
  readonly stanza: string
}

export interface MailboxCount {
  readonly user: string
  readonly messages: number
  /** Characters of all stanzas. */
  readonly size: number
}

export class OfflineStore {
  readonly #database: Database
  readonly #appender: NumberedAppender<OfflineRow, 'messageID'>
  #column = XmlColumn.unlimited
  #lastCreated = 0

  constructor(database: Database) {
    this.#database = database
    const columns = ['username', 'messageID', 'creationDate', 'messageSize', 'stanza'] as const
    this.#appender = new NumberedAppender(database, 'ofOffline', columns, 'messageID', ID_TYPE)
  }

  async start(): Promise<void> {
    this.#column = await XmlColumn.of(this.#database, 'ofOffline', 'stanza')
  }

  get pending(): number {
    return this.#appender.pending
  }
  get isSaturated(): boolean {
    return this.#appender.isSaturated
  }
  /** Resolves when all that was appended so far can be read. Never rejects. */
  whenIdle(): Promise<void> {
    return this.#appender.whenIdle()
  }

  /** True when the column can hold it. */
  fits(stanza: string): boolean {
    return this.#column.fits(stanza)
  }

  /** Resolves when the message is on disk. Messages keep the order of calls, also when the clock is set back. */
  append(username: string, stanza: string): Promise<void> {
    this.#lastCreated = Math.max(this.#lastCreated, Date.now())
    const text = this.#column.encode(stanza)
    return this.#appender.append({ username, creationDate: toDateColumn(this.#lastCreated), messageSize: stanza.length, stanza: text })
  }

  /** At most `limit` messages, oldest first. @param after those up to this one are left out */
  async read(username: string, limit: number, after?: KeptMessage): Promise<KeptMessage[]> {
    // Nearly all who log in have none, and to sort nothing costs the database more than to look.
    if (!after && (await this.#database.read('select 1 from ofOffline where username = ? limit 1', [username])).length === 0) return []
    const from = after?.creationDate ?? ''
    const behind = after ? 'and creationDate >= ? and (creationDate > ? or messageID > ?)' : ''
    const rows = await this.#database.read<OfflineRow>(
      `select messageID, creationDate, stanza from ofOffline where username = ? ${behind} order by creationDate, messageID limit ?`,
      after ? [username, from, from, after.messageID, limit] : [username, limit],
    )
    return rows.map(keptMessage)
  }

  /** Those of these messages that are there, oldest first. */
  async find(username: string, messageIDs: readonly number[]): Promise<KeptMessage[]> {
    const rows = await this.#table().where({ username }).whereIn('messageID', messageIDs).orderBy('creationDate').orderBy('messageID')
    return rows.map(keptMessage)
  }

  async remove(username: string, messageIDs: readonly number[]): Promise<void> {
    for (let start = 0; start < messageIDs.length; start += DELETED_AT_ONCE) {
      await this.#table()
        .where({ username })
        .whereIn('messageID', messageIDs.slice(start, start + DELETED_AT_ONCE))
        .delete()
    }
  }

  /** Also what is on its way to the disk. */
  async removeAll(username: string): Promise<void> {
    await this.whenIdle()
    await this.#table().where({ username }).delete()
  }

  /** Characters of what is kept for this user, with what is on its way to the disk. */
  async size(username: string): Promise<number> {
    await this.whenIdle()
    const few = await this.#database.read<Pick<OfflineRow, 'messageSize'>>(SIZES, [username, FEW_MESSAGES + 1])
    if (few.length <= FEW_MESSAGES) return few.reduce((size, { messageSize }) => size + messageSize, 0)
    const [row] = await this.#table().where({ username }).sum({ size: 'messageSize' })
    return Number(row?.size ?? 0)
  }

  /** Users with kept messages by name, behind `after`. */
  async counts({ user, after, limit }: { user?: string | undefined; after?: string | undefined; limit: number }): Promise<MailboxCount[]> {
    const query = this.#table().groupBy('username').orderBy('username').limit(limit)
    if (user !== undefined) void query.where('username', user)
    if (after !== undefined) void query.where('username', '>', after)
    const rows = await query.select('username').count({ messages: '*' }).sum({ size: 'messageSize' })
    return (rows as { username: string; messages: number; size: number }[]).map(({ username, messages, size }) => {
      return { user: username, messages: Number(messages), size: Number(size) }
    })
  }

  async total(): Promise<Omit<MailboxCount, 'user'>> {
    const [row] = await this.#table().count({ messages: '*' }).sum({ size: 'messageSize' })
    const { messages, size } = (row ?? {}) as { messages?: number; size?: number }
    return { messages: Number(messages ?? 0), size: Number(size ?? 0) }
  }

  /** In batches, between which stanzas go on. @returns whose messages were deleted, and how many */
  async removeBefore(at: Date | number): Promise<{ readonly users: ReadonlySet<string>; readonly messages: number }> {
    const users = new Set<string>()
    let messages = 0
    for (;;) {
      const rows = await this.#table()
        .where('creationDate', '<', toDateColumn(at))
        .where('creationDate', '>=', '0')
        .limit(DELETED_AT_ONCE)
        .select('username', 'messageID')
      for (const username of new Set(rows.map((it) => it.username))) {
        users.add(username)
        const ids = rows.flatMap((it) => (it.username === username ? it.messageID : []))
        messages += await this.#table().where({ username }).whereIn('messageID', ids).delete()
      }
      if (rows.length < DELETED_AT_ONCE) return { users, messages }
      await nextTurn()
    }
  }

  #table() {
    return this.#database.knex<OfflineRow, OfflineRow[]>('ofOffline')
  }
}

function keptMessage({ messageID, creationDate, stanza }: Omit<OfflineRow, 'username' | 'messageSize'>): KeptMessage {
  return { messageID: Number(messageID), createdAt: fromDateColumnOr(creationDate, new Date(0)), creationDate, stanza }
}
