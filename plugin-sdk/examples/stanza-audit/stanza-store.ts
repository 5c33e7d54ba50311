/** The log of stanzas (thesis, table 3-12), and all SQL over it. Reading goes by keyset along an index. */
import { createHash } from 'node:crypto'
import { type Appender, createMissingTable, type Database, type Migration, type TableColumns } from '@beaconfire/plugin-sdk'

const TABLE = 'stanzaLog'
const LONGEST_JID = 320
const LONGEST_ID = 255
const DELETED_AT_ONCE = 500
const COLUMNS = ['at', 'kind', 'type', 'sender', 'receiver', 'stanzaId', 'incoming', 'session', 'address', 'detail'] as const

const columns: TableColumns = (table) => {
  table.bigIncrements('id')
  table.bigInteger('at').notNullable()
  table.string('kind', 8).notNullable()
  table.string('type', 20).notNullable()
  table.string('sender', LONGEST_JID).notNullable()
  table.string('receiver', LONGEST_JID).notNullable()
  table.string('stanzaId', LONGEST_ID)
  table.integer('incoming').notNullable()
  table.text('session').notNullable()
  table.string('address', 64).notNullable()
  table.text('detail', 'mediumtext').notNullable()
}

/** Each kind of query walks one of these. */
const INDEXES = {
  stanzaLog_at_idx: ['at'],
  stanzaLog_sender_idx: ['sender', 'at'],
  stanzaLog_receiver_idx: ['receiver', 'at'],
}

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, TABLE, columns, INDEXES)
    },
  },
]

export type StanzaRow = {
  readonly id: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly kind: string
  readonly type: string
  /** Bare JID through {@link jidColumn}; '' for the server itself where it says none. */
  readonly sender: string
  readonly receiver: string
  readonly stanzaId: string | null
  /** 1: read from a session; 0: handed to one. */
  readonly incoming: number
  /** JID of that session. */
  readonly session: string
  readonly address: string
  /** The stanza as XML. */
  readonly detail: string
}
export type NewStanza = Pick<StanzaRow, (typeof COLUMNS)[number]>

export interface Selection {
  /** Sent or got by this bare JID. */
  readonly user?: string | undefined
  readonly kind?: string | undefined
  readonly type?: string | undefined
  readonly stanzaId?: string | undefined
  /** Epoch milliseconds, inclusive. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
}

/** Rows are ordered by time, then by id. */
export type Position = Pick<StanzaRow, 'at' | 'id'>

export class StanzaStore {
  readonly #database: Database
  readonly #appender: Appender<NewStanza>

  constructor(database: Database) {
    this.#database = database
    this.#appender = database.appender<NewStanza>(TABLE, COLUMNS)
  }

  get pending(): number {
    return this.#appender.pending
  }
  /** True when a producer should wait for {@link whenIdle}. */
  get isSaturated(): boolean {
    return this.#appender.isSaturated
  }
  whenIdle(): Promise<void> {
    return this.#appender.whenIdle()
  }

  /** Resolves when the row is on disk, with those that go together with it. @param refused told of each row that is not stored */
  append(row: NewStanza, refused: (error: unknown) => void): Promise<void> {
    return this.#appender.appendTogether({ ...row, stanzaId: row.stanzaId?.slice(0, LONGEST_ID) ?? null }, refused)
  }

  /** At most `limit` rows behind `after`, newest first. */
  async read(selection: Selection, after: Position | undefined, limit: number): Promise<StanzaRow[]> {
    const { user } = selection
    // "Sent or got" is two ranges of two indexes: an OR would walk the whole table.
    const branches =
      user === undefined
        ? [this.#rows()]
        : [this.#rows().where('sender', jidColumn(user)), this.#rows().where('receiver', jidColumn(user)).whereNot('sender', jidColumn(user))]
    const found: StanzaRow[] = []
    for (const query of branches) {
      narrow(query, selection)
      if (after) void query.where('at', '<=', after.at).where((it) => void it.where('at', '<', after.at).orWhere('id', '<', after.id))
      found.push(...(await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit)))
    }
    return found.sort((a, b) => b.at - a.at || b.id - a.id).slice(0, limit)
  }

  async count(): Promise<number> {
    const [row] = (await this.#rows().count({ rows: '*' })) as unknown as { rows: number | string }[]
    return Number(row?.rows ?? 0)
  }

  /** In batches, between which stanzas go on. @returns how many there were */
  async deleteBefore(at: number): Promise<number> {
    return this.#deleteOldest(Number.POSITIVE_INFINITY, (query) => void query.where('at', '<', at))
  }

  /** @returns how many were too many */
  async deleteBeyond(maxRows: number): Promise<number> {
    const tooMany = (await this.count()) - maxRows
    return tooMany > 0 ? this.#deleteOldest(tooMany, () => undefined) : 0
  }

  async #deleteOldest(most: number, narrowed: (query: Query) => void): Promise<number> {
    let deleted = 0
    while (deleted < most) {
      const limit = Math.min(DELETED_AT_ONCE, most - deleted)
      const query = this.#rows()
      narrowed(query)
      const ids = (await query.orderBy('at').orderBy('id').limit(limit).select('id')).map((it) => it.id)
      if (ids.length > 0) deleted += await this.#rows().whereIn('id', ids).delete()
      if (ids.length < limit) break
    }
    return deleted
  }

  #rows(): Query {
    return rowsOf(this.#database.knex)
  }
}

type Query = ReturnType<typeof rowsOf>

function rowsOf(knex: Database['knex']) {
  return knex<StanzaRow, StanzaRow[]>(TABLE)
}

function narrow(query: Query, { kind, type, stanzaId, from, to }: Selection): void {
  for (const [column, value] of Object.entries({ kind, type, stanzaId })) if (value !== undefined) void query.where(column, value)
  if (from !== undefined) void query.where('at', '>=', from)
  if (to !== undefined) void query.where('at', '<', to)
}

/** A JID too long for a column ends in a digest, so that it is still its own. */
export function jidColumn(jid: string): string {
  if (jid.length <= LONGEST_JID) return jid
  const digest = createHash('sha256').update(jid).digest('hex')
  return `${jid.slice(0, LONGEST_JID - digest.length - 1)}#${digest}`
}
