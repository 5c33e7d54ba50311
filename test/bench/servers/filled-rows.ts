/** Rows of an installation that has run for long, written straight into the tables of a stopped server. */
import type Database from 'better-sqlite3'
import { toDateColumn } from '../../../plugin-sdk/database.js'
import { conversationColumn } from '../../../plugins/chatlog/jid-column.js'

/** What is in the rows, for those who ask for them. */
export const FILLED = {
  /** `bench0` and on: each has as many messages as any other. */
  users: 1000,
  from: Date.UTC(2026, 0, 1),
  spanMs: 300 * 24 * 3600 * 1000,
  /** In the first message of each user, and in one of five hundred of the others. */
  rareWord: 'zephyr',
} as const

export interface RowCounts {
  readonly chatLog?: number
  /** Kept messages of users who are not in the bench. */
  readonly offline?: number
}

export function fillRows(database: Database.Database, { chatLog = 0, offline = 0 }: RowCounts, domain: string): void {
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = OFF')
  if (chatLog > 0) withoutIndexes(database, 'ofChatLog', () => fillChatLog(database, chatLog, domain))
  if (offline > 0) fillOffline(database, offline)
  database.exec('analyze')
  database.pragma('wal_checkpoint(TRUNCATE)')
}

/** Ids below zero: those of the server begin at one. */
function fillChatLog(database: Database.Database, count: number, domain: string): void {
  const insert = database.prepare(`insert into ofChatLog
    (messageID, sessionJID, sender, receiver, createDate, length, content, detail, state, type, conversation) values (?, ?, ?, ?, ?, ?, ?, ?, 1, 'chat', ?)`)
  database.transaction(() => {
    for (let row = 0; row < count; row++) {
      const sender = `bench${row % FILLED.users}@${domain}`
      const receiver = `bench${(row + 1 + (row % 7)) % FILLED.users}@${domain}`
      const at = FILLED.from + Math.floor((row / count) * FILLED.spanMs)
      // Steps through the users and the rows at once, so that every user has some.
      const isRare = row < FILLED.users || Math.floor(row / FILLED.users) % 500 === row % 500
      const content = `message ${row} of a long day${isRare ? `, ${FILLED.rareWord}` : ''}`
      const detail = `<message from="${sender}/bench" to="${receiver}/bench" type="chat"><body>${content}</body></message>`
      insert.run(row - count, `${receiver}/bench`, sender, receiver, at, content.length, content, detail, conversationColumn(sender, receiver))
    }
  })()
}

function fillOffline(database: Database.Database, count: number): void {
  const insert = database.prepare('insert into ofOffline (username, messageID, creationDate, messageSize, stanza) values (?, ?, ?, ?, ?)')
  database.transaction(() => {
    for (let row = 0; row < count; row++) {
      const stanza = `<message from="someone@localhost/x" to="absent${row % 10_000}@localhost" type="chat"><body>message ${row}</body></message>`
      insert.run(`absent${row % 10_000}`, row - count, toDateColumn(FILLED.from + row), stanza.length, stanza)
    }
  })()
}

/** An index is built faster from rows that are there than row by row. */
function withoutIndexes(database: Database.Database, table: string, fill: () => void): void {
  const indexes = database.prepare("select name, sql from sqlite_master where type = 'index' and tbl_name = ? and sql is not null").all(table) as {
    name: string
    sql: string
  }[]
  for (const { name } of indexes) database.exec(`drop index "${name}"`)
  fill()
  for (const { sql } of indexes) database.exec(sql)
}
