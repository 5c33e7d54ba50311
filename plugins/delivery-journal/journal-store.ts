/** All SQL over `ofDeliveryJournal`: messages that a client has been handed and not acknowledged. */
import { createMissingTable, type Database, fromDateColumn, type Migration, NumberedAppender, toDateColumn } from '@beaconfire/plugin-sdk'

/** The `ofID` sequence of journalID. */
const ID_TYPE = 1003
const RUNS_AT_ONCE = 200

export const tables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, 'ofDeliveryJournal', (t, client) => {
        // SQLite: the type under which it is the row's own number, and needs no index beside the table.
        t.specificType('journalID', client === 'sqlite' ? 'integer' : 'bigint')
          .notNullable()
          .primary()
        t.string('username', 64).notNullable()
        t.specificType('creationDate', 'char(15)').notNullable()
        t.text('stanza', 'mediumtext').notNullable()
      })
    },
  },
]

export type JournalRow = {
  journalID: number
  /** Of the recipient. */
  username: string
  /** When the message was handed over, in epoch milliseconds, zero-padded to 15. */
  creationDate: string
  stanza: string
}

/** A message that was in the journal when the server ended. */
export interface JournalledMessage {
  readonly journalID: number
  readonly username: string
  readonly at: Date
  readonly stanza: string
}

export class JournalStore {
  readonly #database: Database
  readonly #appender: NumberedAppender<JournalRow, 'journalID'>

  constructor(database: Database) {
    this.#database = database
    this.#appender = new NumberedAppender(database, 'ofDeliveryJournal', ['journalID', 'username', 'creationDate', 'stanza'], 'journalID', ID_TYPE)
  }

  /** As `Appender.appendTogether`. @param row with journalID 0 until it has been tried; then it keeps its number */
  append(row: JournalRow, refused: (error: unknown, row: JournalRow) => void): Promise<void> {
    return row.journalID === 0 ? this.#appender.appendTogether(row, refused) : this.#appender.appendAgain(row, refused)
  }

  /** Oldest first, behind the one with this number. */
  async read(limit: number, after: number): Promise<JournalledMessage[]> {
    const rows = await this.#table().where('journalID', '>', after).orderBy('journalID').limit(limit)
    return rows.map(journalledMessage)
  }

  /** Of all rows, in order, behind this one. */
  async numbers(limit: number, after: number): Promise<number[]> {
    const rows = await this.#table().where('journalID', '>', after).orderBy('journalID').limit(limit).select('journalID')
    return rows.map(({ journalID }) => Number(journalID))
  }

  /** Those of these that are there, oldest first. */
  async find(journalIDs: readonly number[]): Promise<JournalledMessage[]> {
    const rows = await this.#table().whereIn('journalID', journalIDs).orderBy('journalID')
    return rows.map(journalledMessage)
  }

  async remove(journalIDs: readonly number[]): Promise<void> {
    const runs = runsOf(journalIDs)
    for (let start = 0; start < runs.length; start += RUNS_AT_ONCE) {
      const some = runs.slice(start, start + RUNS_AT_ONCE)
      const where = some.map(() => 'journalID between ? and ?').join(' or ')
      await this.#database.knex.raw(`delete from ofDeliveryJournal where ${where}`, some.flat())
    }
  }

  async count(): Promise<number> {
    const [row] = await this.#table().count({ rows: '*' })
    return Number((row as { rows?: number } | undefined)?.rows ?? 0)
  }

  #table() {
    return this.#database.knex<JournalRow, JournalRow[]>('ofDeliveryJournal')
  }
}

function journalledMessage({ journalID, username, creationDate, stanza }: JournalRow): JournalledMessage {
  return { journalID: Number(journalID), username, at: fromDateColumn(creationDate), stanza }
}

export function dateColumn(at: number): string {
  return toDateColumn(at)
}

/** Numbers that follow each other, as first and last: rows go nearly in the order they came. */
function runsOf(numbers: readonly number[]): [first: number, last: number][] {
  const runs: [number, number][] = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run && number <= run[1] + 1) run[1] = number
    else runs.push([number, number])
  }
  return runs
}
