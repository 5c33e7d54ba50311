/** Openfire's `ofPresence`: what a user said when the last resource went offline, and when. All SQL over it. */
import { createMissingTable, type Database, fromDateColumnOr, type Logger, type Migration, toDateColumn, XmlColumn } from '@beaconfire/plugin-sdk'

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, 'ofPresence', (table) => {
        table.string('username', 64).notNullable().primary()
        table.text('offlinePresence')
        table.specificType('offlineDate', 'char(15)').notNullable()
      })
    },
  },
]

/** Values an engine takes in one statement are limited. */
const SLICE = 200
/** Bytes a TEXT column holds. */
const LONGEST_PRESENCE = 65_535

export interface LastPresence {
  /** The unavailable presence as XML; undefined when it said nothing. */
  readonly stanza: string | undefined
  readonly at: Date
}

interface Row {
  readonly username: string
  readonly offlinePresence: string | null
  readonly offlineDate: string
}

export class PresenceStore {
  readonly #database: Database
  readonly #log: Logger
  /** What waits for the write under way: when thousands lose their connection at once, few transactions do. */
  #waiting = new Map<string, Row>()
  #writing: Promise<void> | undefined
  /** Of the last presence, in a table that Openfire has made. */
  #column: XmlColumn | undefined

  constructor(database: Database, log: Logger) {
    this.#database = database
    this.#log = log
  }

  /** Keeps it soon. A failure is logged: it costs a status text, nothing else. */
  save(username: string, { stanza, at }: LastPresence): void {
    const fits = stanza !== undefined && Buffer.byteLength(stanza) <= LONGEST_PRESENCE
    this.#waiting.set(username, { username, offlinePresence: fits ? stanza : null, offlineDate: toDateColumn(at) })
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  /** What is kept for these users, by username. */
  async find(usernames: readonly string[]): Promise<Map<string, LastPresence>> {
    await this.whenIdle()
    const found = new Map<string, LastPresence>()
    for (let start = 0; start < usernames.length; start += SLICE) {
      const some = usernames.slice(start, start + SLICE)
      const sql = `select username, offlinePresence, offlineDate from ofPresence where username in (${some.map(() => '?').join(', ')})`
      const rows = await this.#database.read<Row>(sql, some)
      for (const { username, offlinePresence, offlineDate } of rows) {
        const at = this.#dateOf(username, offlineDate)
        if (at) found.set(username, { stanza: offlinePresence ?? undefined, at })
      }
    }
    return found
  }

  #dateOf(username: string, column: string): Date | undefined {
    const at = fromDateColumnOr(column, undefined)
    if (!at) this.#log.warn({ username }, 'a row of ofPresence holds no date')
    return at
  }

  async remove(username: string): Promise<void> {
    this.#waiting.delete(username)
    await this.whenIdle()
    await this.#database.knex('ofPresence').where('username', username).delete()
  }

  /** Resolves when everything saved so far is on disk or has failed. */
  async whenIdle(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const rows = [...this.#waiting.values()]
      this.#waiting = new Map()
      try {
        await this.#write(rows)
      } catch (error) {
        this.#log.error({ rows: rows.length, error }, 'last presence of users could not be kept')
      }
    }
  }

  async #write(kept: readonly Row[]): Promise<void> {
    const column = (this.#column ??= await XmlColumn.of(this.#database, 'ofPresence', 'offlinePresence'))
    const rows = kept.map((it) => (it.offlinePresence === null ? it : { ...it, offlinePresence: column.encode(it.offlinePresence) }))
    return this.#database.transaction(async (trx) => {
      for (let start = 0; start < rows.length; start += SLICE) {
        await trx('ofPresence')
          .insert(rows.slice(start, start + SLICE))
          .onConflict('username')
          .merge()
      }
    })
  }
}
