/** The log as a file: JSON lines, or CSV (RFC 4180). Pages are read as fast as the receiver takes them. */
import { Readable } from 'node:stream'
import type { StreamedReply } from '@beaconfire/plugin-sdk'
import { readPage } from './chat-log-pages.js'
import type { Order, Selection } from './chat-log-store.js'
import type { LogReader } from './log-reader.js'
import { loggedMessage, type WholeMessage } from './logged-message.js'

const ROWS_AT_ONCE = 500

export interface ExportQuery {
  readonly format: 'jsonl' | 'csv'
  readonly selection: Selection
  readonly text: string | undefined
  readonly order: Order
}

export function exportedLog(store: LogReader, query: ExportQuery): StreamedReply {
  return {
    contentType: query.format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8',
    fileName: `chatlog.${query.format}`,
    stream: Readable.from(chunks(store, query), { objectMode: false }),
  }
}

/** One chunk a page: the next page is read when the stream asks for more. */
async function* chunks(store: LogReader, { format, selection, text, order }: ExportQuery): AsyncGenerator<string> {
  if (format === 'csv') yield `${CSV_COLUMNS.join(',')}\r\n`
  const line = format === 'csv' ? csvLine : jsonLine
  let page = await readPage(store, { selection, text, order, limit: ROWS_AT_ONCE })
  for (;;) {
    if (page.rows.length > 0) yield page.rows.map((row) => line(loggedMessage(row))).join('')
    if (!page.next) return
    page = await readPage(store, { selection, text, order, limit: ROWS_AT_ONCE, after: page.next })
  }
}

function jsonLine(message: WholeMessage): string {
  return `${JSON.stringify(message)}\n`
}

const CSV_COLUMNS = ['messageID', 'sentAt', 'sender', 'receiver', 'sessionJID', 'type', 'length', 'content', 'detail'] as const

function csvLine(message: WholeMessage): string {
  return `${CSV_COLUMNS.map((column) => csvCell(message[column])).join(',')}\r\n`
}

/** RFC 4180 §2. A text that a spreadsheet would run as a formula gets an apostrophe before it. */
export function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
