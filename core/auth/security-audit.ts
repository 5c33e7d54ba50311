/** The record of administrative acts (`ofSecurityAuditLog`, openfire.md §3.1), shared with Openfire's own log viewer. */
import { createMissingTable, type Database, type Migration } from '@beaconfire/plugin-sdk'

/** Of `ofID` (openfire.md §3.3). */
const AUDIT_SEQUENCE = 25
/** Characters of the columns; `details` is a TEXT of 65,535 bytes, of which a character takes four at most. */
const LONGEST = { username: 64, summary: 255, node: 255, details: 16_000 }
const LARGEST_PAGE = 1000

export const securityAuditTables: readonly Migration[] = [
  {
    version: 1,
    async up(_schema, details) {
      await createMissingTable(details, 'ofSecurityAuditLog', (table) => {
        table.bigInteger('msgID').notNullable().primary()
        table.string('username', LONGEST.username).notNullable().index('ofSecurityAuditLog_uid_idx')
        table.bigInteger('entryStamp').notNullable().index('ofSecurityAuditLog_tstamp_idx')
        table.string('summary', LONGEST.summary).notNullable()
        table.string('node', LONGEST.node).notNullable()
        table.text('details')
      })
    },
  },
]

export interface AuditEntry {
  /** Who acted. */
  readonly administrator: string
  /** What was done, in a few words. Never holds a password. */
  readonly summary: string
  readonly details?: string | undefined
}

export interface RecordedEntry extends AuditEntry {
  readonly id: number
  readonly at: Date
  /** The machine that recorded it. */
  readonly node: string
}

export interface AuditQuery {
  readonly administrator?: string | undefined
  readonly from?: Date | undefined
  /** Exclusive. */
  readonly to?: Date | undefined
  /** Id to start below, for paging. */
  readonly before?: number | undefined
  /** 1..1000 */
  readonly limit: number
}

interface AuditRow {
  readonly msgID: number | string
  readonly username: string
  readonly entryStamp: number | string
  readonly summary: string
  readonly node: string
  readonly details: string | null
}

export class SecurityAudit {
  readonly #database: Database
  readonly #node: string

  /** @param node name of this machine */
  constructor(database: Database, node: string) {
    this.#database = database
    this.#node = node
  }

  /** Resolves when the entry is on disk. What is longer than its column is cut. @throws (rejects) when it cannot be written */
  async record({ administrator, summary, details }: AuditEntry): Promise<void> {
    await this.#database.knex('ofSecurityAuditLog').insert({
      msgID: await this.#database.nextId(AUDIT_SEQUENCE),
      username: cut(administrator, LONGEST.username),
      entryStamp: Date.now(),
      summary: cut(summary, LONGEST.summary),
      node: cut(this.#node, LONGEST.node),
      details: details === undefined ? null : cut(details, LONGEST.details),
    })
  }

  /** Newest first. @throws RangeError when `limit` is not 1..1000 */
  async list({ administrator, from, to, before, limit }: AuditQuery): Promise<RecordedEntry[]> {
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE)) throw new RangeError(`limit ${limit} is not 1..${LARGEST_PAGE}`)
    const query = this.#database.knex('ofSecurityAuditLog').orderBy('msgID', 'desc').limit(limit)
    if (administrator !== undefined) void query.where('username', administrator)
    if (from) void query.where('entryStamp', '>=', from.getTime())
    if (to) void query.where('entryStamp', '<', to.getTime())
    if (before !== undefined) void query.where('msgID', '<', before)
    const rows = await query.select<AuditRow[]>('msgID', 'username', 'entryStamp', 'summary', 'node', 'details')
    return rows.map(toEntry)
  }
}

function toEntry(row: AuditRow): RecordedEntry {
  return {
    id: Number(row.msgID),
    at: new Date(Number(row.entryStamp)),
    administrator: row.username,
    summary: row.summary,
    node: row.node,
    details: row.details ?? undefined,
  }
}

/** By code points, so that no pair of surrogates is torn. */
function cut(text: string, longest: number): string {
  return text.length <= longest ? text : Array.from(text).slice(0, longest).join('')
}
