/** Pages of the log, also of what a text search finds, with a bound on the rows that one page may look at. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Order, Position, Selection } from './chat-log-store.js'
import type { ChatLogRow } from './chat-log-tables.js'
import type { LogReader } from './log-reader.js'

/** Rows read at once while searching: few enough that no stanza waits for long. */
const WINDOW = 500
/** Rows one page of a search looks at; what is behind is the next page's. */
const MOST_SEARCHED = 20_000

export interface PageQuery {
  readonly selection: Selection
  /** Part of the body, whatever its case. */
  readonly text?: string | undefined
  readonly order: Order
  readonly after?: Position | undefined
  readonly limit: number
}

export interface Page {
  readonly rows: readonly ChatLogRow[]
  /** Where the next page goes on; undefined at the end. A page of a search may be short, or empty, and not the last. */
  readonly next: Position | undefined
}

export async function readPage(store: LogReader, query: PageQuery): Promise<Page> {
  if (query.text !== undefined) return search(store, query, query.text.toLowerCase())
  const { selection, order, after, limit } = query
  const rows = await store.read(selection, order, after, limit + 1)
  return rows.length > limit ? { rows: rows.slice(0, limit), next: rows[limit - 1] } : { rows, next: undefined }
}

/**
 * Bodies are compared here and not in SQL: LIKE knows case only in ASCII on SQLite, and not at all in MySQL's binary
 * collation, and neither says how far it got when it is stopped.
 */
async function search(store: LogReader, { selection, order, after, limit }: PageQuery, text: string): Promise<Page> {
  const found: ChatLogRow[] = []
  let position = after
  for (let searched = 0; searched < MOST_SEARCHED; searched += WINDOW) {
    const rows = await store.read(selection, order, position, WINDOW)
    for (const row of rows) {
      position = row
      if (row.content.toLowerCase().includes(text) && found.push(row) === limit) return { rows: found, next: position }
    }
    if (rows.length < WINDOW) return { rows: found, next: undefined }
    await nextTurn()
  }
  return { rows: found, next: position }
}
