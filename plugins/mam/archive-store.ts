/** All SQL of the archives. Pages go by keyset: each query walks an index from where the last page ended. */
import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Appender, type Database, isPromise, type Jid, type MaybePromise } from '@beaconfire/plugin-sdk'
import { type ArchiveRow, COLUMNS, type PreferenceRow } from './archive-tables.js'
import { contactColumn } from './contact-column.js'

/** The `ofID` sequence of archiveID. */
const ID_TYPE = 1002
const DELETED_AT_ONCE = 500
/** Values an engine takes in one statement are limited. */
const SLICE = 250

/** A place in an archive; rows are ordered by time, then by number. */
export type Position = Pick<ArchiveRow, 'sentDate' | 'archiveID'>

/** Which messages of whose archive. */
export interface Selection {
  readonly username: string
  /** A bare JID matches all of its resources. */
  readonly with?: Jid | undefined
  /** Epoch milliseconds, inclusive. */
  readonly start?: number | undefined
  /** Epoch milliseconds, inclusive. */
  readonly end?: number | undefined
  /** Exclusive. */
  readonly after?: Position | undefined
  /** Exclusive. */
  readonly before?: Position | undefined
  readonly archiveIDs?: readonly number[] | undefined
}

type Query = ReturnType<typeof rowsOf>

export class ArchiveStore {
  readonly #database: Database
  readonly #appender: Appender<ArchiveRow>
  #lastSent = 0

  constructor(database: Database) {
    this.#database = database
    this.#appender = database.appender<ArchiveRow>('ofMamArchive', COLUMNS)
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

  /**
   * Queues a message for an archive, behind all that were queued before. @param contact the other side
   * @param queued is told when it will be on disk, with those that go together with it @param refused told of a row that is not stored
   * @returns its archiveID, at once nearly always
   */
  append(
    username: string,
    contact: Jid,
    stanza: string,
    queued: (stored: Promise<void>) => void,
    refused: (error: unknown, row: ArchiveRow) => void,
  ): MaybePromise<number> {
    const id = this.#database.nextId(ID_TYPE)
    const queue = (archiveID: number) => {
      this.#lastSent = Math.max(this.#lastSent, Date.now())
      const row: ArchiveRow = {
        archiveID,
        username,
        contact: contactColumn(contact),
        withJID: contact.bare().toString(),
        withResource: contact.resource,
        sentDate: this.#lastSent,
        stanza,
      }
      queued(this.#appender.appendTogether(row, refused))
      return archiveID
    }
    return isPromise(id) ? id.then(queue) : queue(id)
  }

  /** At most `limit` rows, in order; `backwards` takes those at the end, still oldest first. */
  async page(selection: Selection, limit: number, backwards: boolean): Promise<ArchiveRow[]> {
    const direction = backwards ? 'desc' : 'asc'
    const rows = await this.#selected(selection).orderBy('sentDate', direction).orderBy('archiveID', direction).limit(limit)
    return backwards ? rows.reverse() : rows
  }

  /** How many there are, counted up to `most`. */
  async count(selection: Selection, most: number): Promise<number> {
    const some = this.#selected(selection).select('archiveID').limit(most).as('some')
    const [row] = (await this.#database.knex.count({ rows: '*' }).from(some)) as { rows?: number | string }[]
    return Number(row?.rows ?? 0)
  }

  /** Where those of these rows stand that are in the archive of this user. */
  async positions(username: string, archiveIDs: readonly number[]): Promise<Map<number, Position>> {
    const found = new Map<number, Position>()
    for (let start = 0; start < archiveIDs.length; start += SLICE) {
      const some = archiveIDs.slice(start, start + SLICE)
      const rows = await this.#table().whereIn('archiveID', some).where({ username }).select('archiveID', 'sentDate')
      for (const row of rows) found.set(row.archiveID, row)
    }
    return found
  }

  /** Also what is on its way to the disk, and what the user preferred. */
  async removeUser(username: string): Promise<void> {
    await this.whenIdle()
    await this.#deleteAll(() => this.#table().where({ username }))
    await this.#database.knex('ofMamPreference').where({ username }).delete()
  }

  /** @returns how many there were */
  removeBefore(at: number): Promise<number> {
    return this.#deleteAll(() => this.#table().where('sentDate', '<', at).orderBy('sentDate'))
  }

  async preferences(username: string): Promise<PreferenceRow | undefined> {
    const sql = 'select username, defaultBehavior, alwaysJIDs, neverJIDs from ofMamPreference where username = ?'
    const [row] = await this.#database.read<PreferenceRow>(sql, [username])
    return row
  }

  async savePreferences(row: PreferenceRow): Promise<void> {
    await this.#database.knex('ofMamPreference').insert(row).onConflict('username').merge()
  }

  /** The key of this installation's ids; made when there is none. */
  async idKey(): Promise<Uint8Array> {
    const keys = () => this.#database.knex<{ keyID: number; idKey: string }>('ofMamKey').where({ keyID: 1 })
    const present = await keys().first()
    if (present) return Buffer.from(present.idKey, 'hex')
    try {
      await this.#database.knex('ofMamKey').insert({ keyID: 1, idKey: randomBytes(16).toString('hex') })
    } catch (error) {
      if (!this.#database.isDuplicate(error)) throw error // else another process was quicker
    }
    return Buffer.from((await keys().first())?.idKey ?? '', 'hex')
  }

  /** In batches, between which stanzas go on. */
  async #deleteAll(which: () => Query): Promise<number> {
    let deleted = 0
    for (;;) {
      const rows = await which().limit(DELETED_AT_ONCE).select('archiveID')
      if (rows.length > 0) {
        const ids = rows.map((it) => it.archiveID)
        deleted += await this.#table().whereIn('archiveID', ids).delete()
      }
      if (rows.length < DELETED_AT_ONCE) return deleted
      await nextTurn()
    }
  }

  #selected({ username, with: contact, start, end, after, before, archiveIDs }: Selection): Query {
    const query = this.#table().where({ username })
    if (contact) {
      void query.where({ contact: contactColumn(contact), withJID: contact.bare().toString() })
      if (contact.isFull) void query.where('withResource', contact.resource)
    }
    if (start !== undefined) void query.where('sentDate', '>=', start)
    if (end !== undefined) void query.where('sentDate', '<=', end)
    if (after) beyond(query, after, '>')
    if (before) beyond(query, before, '<')
    if (archiveIDs) void query.whereIn('archiveID', archiveIDs)
    return query
  }

  #table(): Query {
    return rowsOf(this.#database.knex)
  }
}

function rowsOf(knex: Database['knex']) {
  return knex<ArchiveRow, ArchiveRow[]>('ofMamArchive')
}

/** Written so that both engines see a range of the index in it; MySQL sees none in a comparison of pairs. */
function beyond(query: Query, { sentDate, archiveID }: Position, sign: '<' | '>'): void {
  void query.where('sentDate', `${sign}=`, sentDate).where((either) => {
    void either.where('sentDate', sign, sentDate).orWhere('archiveID', sign, archiveID)
  })
}
