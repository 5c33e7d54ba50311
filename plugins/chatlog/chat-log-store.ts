/** All SQL over `ofChatLog`. Reading goes by keyset: each query walks an index from where the last page ended. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Database, NumberedAppender } from '@beaconfire/plugin-sdk'
import { type ChatLogRow, COLUMNS } from './chat-log-tables.js'
import { conversationColumn } from './jid-column.js'
import type { LogReader } from './log-reader.js'

/** The `ofID` sequence of messageID. */
const ID_TYPE = 1001
const DELETED_AT_ONCE = 500

/** Whose messages, and when. JIDs as they stand in the columns. */
export interface Selection {
  readonly user?: string | undefined
  /** Only with `user`. */
  readonly with?: string | undefined
  /** Excludes `with`. */
  readonly room?: string | undefined
  /** Epoch milliseconds, inclusive. */
  readonly from?: number | undefined
  /** Epoch milliseconds, exclusive. */
  readonly to?: number | undefined
}

export type Order = 'newest' | 'oldest'
/** A place in the log; rows are ordered by time, then by id. */
export type Position = Pick<ChatLogRow, 'createDate' | 'messageID'> & {
  /** Where the ids may be the same: how many rows of this time and id are before the place. */
  readonly seen?: number
}

type Query = ReturnType<typeof rowsOf>

export class ChatLogStore implements LogReader {
  readonly #database: Database
  readonly #appender: NumberedAppender<ChatLogRow, 'messageID'>

  constructor(database: Database) {
    this.#database = database
    this.#appender = new NumberedAppender<ChatLogRow, 'messageID'>(database, 'ofChatLog', COLUMNS, 'messageID', ID_TYPE)
  }

  /** Rows on their way to the disk. */
  get pending(): number {
    return this.#appender.pending
  }
  /** True when a producer should wait for {@link whenIdle}. */
  get isSaturated(): boolean {
    return this.#appender.isSaturated
  }
  /** Never rejects. */
  whenIdle(): Promise<void> {
    return this.#appender.whenIdle()
  }

  /** Resolves when the row is on disk, with those that go together with it. @param refused told of each row that is not stored */
  append(row: Omit<ChatLogRow, 'messageID'>, refused: (error: unknown, row: ChatLogRow) => void): Promise<void> {
    return this.#appender.appendTogether(row, refused)
  }

  /** At most `limit` rows behind `after`, in order. */
  async read(selection: Selection, order: Order, after: Position | undefined, limit: number): Promise<ChatLogRow[]> {
    const direction = order === 'newest' ? 'desc' : 'asc'
    const branches: ChatLogRow[][] = []
    for (const query of this.#branches(selection)) {
      if (after) startBehind(query, order, after)
      branches.push(await query.orderBy('createDate', direction).orderBy('messageID', direction).limit(limit))
    }
    const [rows = [], more] = branches
    return more ? merge(rows, more, order).slice(0, limit) : rows
  }

  async count(selection: Selection): Promise<number> {
    let total = 0
    for (const query of this.#branches(selection)) {
      const [row] = (await query.clone().count({ rows: '*' })) as unknown as { rows: number | string }[]
      total += Number(row?.rows ?? 0)
    }
    return total
  }

  async find(messageID: number): Promise<ChatLogRow | undefined> {
    return this.#table().where({ messageID }).first()
  }

  /** Deletes what was sent before `before`, in batches between which stanzas go on. @returns how many there were */
  async deleteBefore(before: number): Promise<number> {
    let deleted = 0
    for (;;) {
      const rows = await this.#table().where('createDate', '<', before).orderBy('createDate').limit(DELETED_AT_ONCE).select('messageID')
      if (rows.length > 0) {
        const ids = rows.map((it) => it.messageID)
        deleted += await this.#table().whereIn('messageID', ids).delete()
      }
      if (rows.length < DELETED_AT_ONCE) return deleted
      await nextTurn()
    }
  }

  /**
   * One query for each index range the selection needs; together they hold every row once. "Sent or received" is two
   * ranges: an OR over two columns would walk the whole table.
   */
  #branches({ user, with: other, room, from, to }: Selection): Query[] {
    const within = () => {
      const query = this.#table()
      if (from !== undefined) void query.where('createDate', '>=', from)
      if (to !== undefined) void query.where('createDate', '<', to)
      return query
    }
    if (room !== undefined) {
      const query = within().where({ conversation: conversationColumn(room), receiver: room })
      return [user === undefined ? query : query.where('sender', user)]
    }
    if (user === undefined) return [within()]
    if (other !== undefined) return [between(within(), user, other)]
    return [within().where('sender', user), within().where('receiver', user).whereNot('sender', user)]
  }

  #table(): Query {
    return rowsOf(this.#database.knex)
  }
}

function rowsOf(knex: Database['knex']) {
  return knex<ChatLogRow, ChatLogRow[]>('ofChatLog')
}

/** The messages of two people in both directions. */
function between(query: Query, one: string, other: string): Query {
  return query.where('conversation', conversationColumn(one, other)).where((either) => {
    void either.where({ sender: one, receiver: other }).orWhere({ sender: other, receiver: one })
  })
}

/** Written so that both engines see a range of the index in it; MySQL sees none in a comparison of pairs. */
function startBehind(query: Query, order: Order, { createDate, messageID }: Position): void {
  const [upTo, behind] = order === 'newest' ? (['<=', '<'] as const) : (['>=', '>'] as const)
  void query.where('createDate', upTo, createDate).where((either) => {
    void either.where('createDate', behind, createDate).orWhere('messageID', behind, messageID)
  })
}

function merge(some: readonly ChatLogRow[], others: readonly ChatLogRow[], order: Order): ChatLogRow[] {
  const sign = order === 'newest' ? -1 : 1
  return [...some, ...others].sort((a, b) => sign * (a.createDate - b.createDate || a.messageID - b.messageID))
}
