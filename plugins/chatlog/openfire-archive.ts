/**
 * All SQL over the archive of Openfire's monitoring plugin (`ofMessageArchive`, `ofConversation`, `ofConParticipant`), which is only read.
 * It has no index for a user's messages in order of time, and none may be added: such a page costs what the user has in it.
 */
import { type Database, parseElement, XmlError } from '@beaconfire/plugin-sdk'
import type { Order, Position, Selection } from './chat-log-store.js'
import type { ChatLogRow } from './chat-log-tables.js'
import { conversationColumn } from './jid-column.js'
import type { LogReader } from './log-reader.js'

/** `state` of a row: Openfire archives a message when it is sent. */
const SENT = 0
const MOST_PARTICIPANTS = 1000

interface ArchiveRow {
  /** null in rows of old versions of the plugin. */
  readonly messageID: number | string | null
  readonly conversationID: number | string
  readonly fromJID: string
  readonly fromJIDResource: string | null
  readonly toJID: string
  readonly toJIDResource: string | null
  readonly sentDate: number | string
  readonly body: string | null
  readonly stanza: string | null
  readonly isPMforJID: string | null
  readonly room: string | null
}

/** The conversation that a message is part of. */
export interface ArchivedConversation {
  readonly conversationID: number
  readonly room?: string
  /** Epoch milliseconds. */
  readonly startDate: number
  readonly lastActivity: number
  readonly messageCount: number
  readonly participants: { readonly jid: string; readonly nickname?: string; readonly joined: number; readonly left?: number }[]
}

type Query = ReturnType<typeof archiveRows>
type PlacedRow = ChatLogRow & Position

export class OpenfireArchive implements LogReader {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** False when there is none in this database. */
  isPresent(): Promise<boolean> {
    return this.#database.knex.schema.hasTable('ofMessageArchive')
  }

  /** No column tells all rows apart: old versions of the plugin gave no ids. Those of the same place are counted, in an order of their own. */
  async read(selection: Selection, order: Order, after: Position | undefined, limit: number): Promise<PlacedRow[]> {
    const direction = order === 'newest' ? 'desc' : 'asc'
    const most = limit + (after?.seen ?? 0)
    const found: ChatLogRow[] = []
    for (const query of this.#branches(selection)) {
      if (after) startBehind(query, order, after)
      void query.orderBy('a.sentDate', direction).orderByRaw(`coalesce(a.messageID, 0) ${direction}`)
      for (const column of TIE_BREAKERS) void query.orderBy(`a.${column}`)
      const rows: ArchiveRow[] = await query.limit(most)
      found.push(...rows.map(toLogRow))
    }
    const sign = order === 'newest' ? -1 : 1
    found.sort((a, b) => sign * (a.createDate - b.createDate || a.messageID - b.messageID))
    return placed(found.slice(0, most), after).slice(0, limit)
  }

  async count(selection: Selection): Promise<number> {
    let total = 0
    for (const query of this.#branches(selection)) {
      const [row] = (await query.clone().clearSelect().count({ rows: '*' })) as unknown as { rows: number | string }[]
      total += Number(row?.rows ?? 0)
    }
    return total
  }

  /** One message, found by its time, since there is no index of the ids. */
  async find(
    messageID: number,
    sentDate: number,
  ): Promise<{ readonly row: ChatLogRow; readonly conversation: ArchivedConversation | undefined } | undefined> {
    const row: ArchiveRow | undefined = await archiveRows(this.#database.knex).where('a.sentDate', sentDate).where('a.messageID', messageID).first()
    return row && { row: toLogRow(row), conversation: await this.#conversation(Number(row.conversationID)) }
  }

  async #conversation(conversationID: number): Promise<ArchivedConversation | undefined> {
    const { knex } = this.#database
    const row = await knex('ofConversation').where({ conversationID }).first()
    if (!row) return undefined
    const participants = await knex('ofConParticipant').where({ conversationID }).orderBy('joinedDate').limit(MOST_PARTICIPANTS)
    return {
      conversationID,
      ...(row.room && { room: row.room }),
      startDate: Number(row.startDate),
      lastActivity: Number(row.lastActivity),
      messageCount: Number(row.messageCount),
      participants: participants.map((it) => ({
        jid: it.jidResource ? `${it.bareJID}/${it.jidResource}` : it.bareJID,
        ...(it.nickname && { nickname: it.nickname }),
        joined: Number(it.joinedDate),
        ...(it.leftDate && { left: Number(it.leftDate) }),
      })),
    }
  }

  /** One query for each index; together they hold every row once. */
  #branches({ user, with: other, room, from, to }: Selection): Query[] {
    const within = () => {
      const query = archiveRows(this.#database.knex)
      if (from !== undefined) void query.where('a.sentDate', '>=', from)
      if (to !== undefined) void query.where('a.sentDate', '<', to)
      return query
    }
    if (room !== undefined) return [user === undefined ? within().where('a.toJID', room) : within().where('a.toJID', room).where('a.fromJID', user)]
    if (user === undefined) return [within()]
    if (other !== undefined) return this.#between(within, user, other)
    return [
      within().where('a.fromJID', user),
      within().where('a.toJID', user).whereNot('a.fromJID', user),
      within().where('a.isPMforJID', user).whereNot('a.fromJID', user).whereNot('a.toJID', user),
    ]
  }

  /** What one has sent the other, also in private inside a room. */
  #between(within: () => Query, one: string, other: string): Query[] {
    const directions =
      one === other
        ? [[one, other]]
        : [
            [one, other],
            [other, one],
          ]
    return directions.flatMap(([sender, receiver]) => [
      within().where('a.fromJID', sender).where('a.toJID', receiver),
      within().where('a.isPMforJID', receiver).where('a.fromJID', sender).whereNot('a.toJID', receiver),
    ])
  }
}

/** Rows that are the same in these, too, are as good as each other. */
const TIE_BREAKERS = ['conversationID', 'fromJID', 'toJID', 'fromJIDResource', 'toJIDResource', 'body'] as const
const COLUMNS = ['messageID', 'conversationID', 'fromJID', 'fromJIDResource', 'toJID', 'toJIDResource', 'sentDate', 'body', 'stanza', 'isPMforJID']

function archiveRows(knex: Database['knex']) {
  const columns = COLUMNS.map((it) => `a.${it}`)
  return knex('ofMessageArchive as a')
    .leftJoin('ofConversation as c', 'c.conversationID', 'a.conversationID')
    .select(...columns, 'c.room')
}

/** From the rows of the very place on, where some of them may be left. */
function startBehind(query: Query, order: Order, { createDate, messageID, seen }: Position): void {
  const [upTo, behind] = order === 'newest' ? (['<=', '<'] as const) : (['>=', '>'] as const)
  void query.where('a.sentDate', upTo, createDate).where((either) => {
    void either.where('a.sentDate', behind, createDate).orWhereRaw(`coalesce(a.messageID, 0) ${seen ? upTo : behind} ?`, [messageID])
  })
}

/** Numbers the rows of each place, and leaves out those that were seen of the first. */
function placed(rows: readonly ChatLogRow[], after: Position | undefined): PlacedRow[] {
  let seen = 0
  let last: Position | undefined
  return rows.flatMap((row) => {
    seen = last && isSamePlace(last, row) ? seen + 1 : 1
    last = row
    return after?.seen !== undefined && isSamePlace(after, row) && seen <= after.seen ? [] : [{ ...row, seen }]
  })
}

function isSamePlace(one: Position, other: Position): boolean {
  return one.createDate === other.createDate && one.messageID === other.messageID
}

function toLogRow(row: ArchiveRow): ChatLogRow {
  const { fromJID, fromJIDResource, toJID, toJIDResource, isPMforJID, room } = row
  const receiver = isPMforJID ?? toJID
  const isToRoom = room !== null && isPMforJID === null
  const full = (bare: string, resource: string | null) => (resource ? `${bare}/${resource}` : bare)
  const content = row.body ?? ''
  return {
    messageID: Number(row.messageID ?? 0),
    sessionJID: isToRoom ? full(fromJID, fromJIDResource) : full(toJID, toJIDResource),
    sender: fromJID,
    receiver,
    createDate: Number(row.sentDate),
    length: content.length,
    content,
    detail: row.stanza ?? '',
    state: SENT,
    type: typeOf(row.stanza) ?? (isToRoom ? 'groupchat' : 'chat'),
    conversation: isToRoom ? conversationColumn(receiver) : conversationColumn(fromJID, receiver),
  }
}

/** Of the stanza, where one was kept that can be read. */
function typeOf(stanza: string | null): string | undefined {
  if (!stanza) return undefined
  try {
    const type: unknown = parseElement(stanza).attrs.type
    return typeof type === 'string' ? type : 'normal'
  } catch (error) {
    if (error instanceof XmlError) return undefined
    throw error
  }
}
