/** Knex on MySQL or MariaDB through mysql2. */
import type { ColumnValue, Logger } from '@beaconfire/plugin-sdk'
import createKnex, { type Knex } from 'knex'
import Mysql2Client from 'knex/lib/dialects/mysql2/index.js'
import mysql, { type ConnectionOptions } from 'mysql2'
import type { DatabaseConfig } from '../config/server-config.js'
import { type InsertGroup, insertSql, type RowFailure, type WriteBatch } from './append-queue.js'
import { type Engine, knexLog } from './engine.js'
import type { ReadRows } from './read-queue.js'

const CONNECT_TIMEOUT_MS = 10_000
/** Rows of one insert statement, and how large it may grow: old servers take 1 MB (`max_allowed_packet`). */
const STATEMENT_ROWS = 500
const STATEMENT_CHARACTERS = 200_000

/** What mysql2 and Node say when the connection is gone, not the statement wrong. */
const LOST = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'ER_SERVER_SHUTDOWN'])

class MysqlClient extends Mysql2Client {
  /**
   * `collate` is for Knex alone, which gives it to each table it creates unless the migration says otherwise: JIDs are compared
   * byte by byte, and tables made by one migration are the same on both engines. mysql2 would warn of it. The password is a property
   * that Knex hides from whoever looks at all of them.
   */
  override _driver(): object {
    const createConnection = (given: ConnectionOptions & { collate?: string }) => {
      const { collate: _, ...settings } = given
      return mysql.createConnection({ ...settings, password: given.password })
    }
    return { createConnection }
  }

  /** Knex leaves the bindings out for statements of its own. mysql2 would write plain bytes as a list of numbers. */
  override prepBindings(bindings: readonly unknown[] = []): unknown[] {
    return bindings.map((value) => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value))
  }
}

/** @throws (rejects) mysql2's error when the server cannot be reached or refuses the account */
export async function openMysql(config: DatabaseConfig, log: Logger): Promise<Engine> {
  const { host, port, socketPath, user, password, database } = config.connection
  const settings = {
    ...(socketPath ? { socketPath } : { host, port }),
    user,
    password,
    database,
    charset: 'utf8mb4',
    collate: 'utf8mb4_bin',
    timezone: 'Z',
    supportBigNumbers: true,
    jsonStrings: true, // as SQLite has it
    stringifyObjects: true, // an object that got into a query must not turn into SQL
    connectTimeout: CONNECT_TIMEOUT_MS,
  }
  const knex = createKnex({
    client: MysqlClient as unknown as typeof Knex.Client,
    connection: settings as Knex.MySql2ConnectionConfig,
    pool: { min: 0, max: config.poolSize },
    log: knexLog(log),
  })
  try {
    await knex.raw('select 1')
  } catch (error) {
    await knex.destroy()
    throw error
  }
  const read = async (sql: string, bindings: readonly ColumnValue[]) => {
    try {
      return ((await knex.raw(sql, bound(bindings))) as [ReadRows])[0]
    } catch (error) {
      if (isIncomparable(error)) return []
      throw error
    }
  }
  return { client: 'mysql', knex, writeBatch: writeBatchWith(knex), read, close: () => knex.destroy() }
}

/** All groups in one transaction; when that fails each group in its own, and of a group that fails each row. */
function writeBatchWith(knex: Knex): WriteBatch {
  return async (groups) => {
    try {
      await insertAll(knex, groups)
      return []
    } catch (error) {
      if (isLost(error)) throw error
    }
    const failures: RowFailure[] = []
    for (const [index, group] of groups.entries()) failures.push(...(await insertGroup(knex, group, index)))
    return failures
  }
}

async function insertAll(knex: Knex, groups: readonly InsertGroup[], isRepeat = false): Promise<void> {
  let mayBeStored = false
  try {
    await knex.transaction(async (trx) => {
      for (const group of groups) for (const { sql, values } of statements(group)) await trx.raw(sql, bound(values))
      mayBeStored = true
    })
  } catch (error) {
    // A connection kept in the pool may have died since: a new one is worth a try, unless the commit was on its way.
    if (mayBeStored || isRepeat || !isLost(error)) throw error
    await insertAll(knex, groups, true)
  }
}

/** @returns the rows that were refused. Rejects never: what fails now is told row by row */
async function insertGroup(knex: Knex, group: InsertGroup, index: number): Promise<RowFailure[]> {
  try {
    await insertAll(knex, [group])
    return []
  } catch (error) {
    if (isLost(error)) return rowsOf(group).map((_, row) => ({ group: index, row, error }))
  }
  const failures: RowFailure[] = []
  for (const [row, values] of rowsOf(group).entries()) {
    try {
      await knex.raw(group.sql, bound(values))
    } catch (error) {
      failures.push({ group: index, row, error })
    }
  }
  return failures
}

function rowsOf({ width, values }: InsertGroup): ColumnValue[][] {
  return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width))
}

/** Inserts of many rows, within what the server takes as one packet. */
function* statements(group: InsertGroup): Generator<{ readonly sql: string; readonly values: readonly ColumnValue[] }> {
  let from = 0
  let characters = 0
  for (let at = 0; at < group.values.length; at += group.width) {
    const size = group.values.slice(at, at + group.width).reduce<number>((sum, value) => sum + charactersOf(value), 0)
    const isFull = at - from >= STATEMENT_ROWS * group.width || characters + size > STATEMENT_CHARACTERS
    if (isFull && at > from) {
      yield statement(group, from, at)
      from = at
      characters = 0
    }
    characters += size
  }
  yield statement(group, from, group.values.length)
}

function statement({ table, columns, width, values }: InsertGroup, from: number, to: number) {
  return { sql: insertSql(table, columns, (to - from) / width), values: values.slice(from, to) }
}

/** Knex's declarations know bytes as Buffer alone; the client's `prepBindings` makes them so. */
function bound(values: readonly ColumnValue[]): readonly Knex.RawBinding[] {
  return values as readonly Knex.RawBinding[]
}

function charactersOf(value: ColumnValue): number {
  if (typeof value === 'string') return value.length
  return value instanceof Uint8Array ? value.length * 2 : 8
}

/** A column of a smaller character set was compared to a text it cannot hold, and so does not: the engine makes an error of it. */
function isIncomparable(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code === 'ER_CANT_AGGREGATE_2COLLATIONS' && error.message.includes(',COERCIBLE)')
}

function isLost(error: unknown): boolean {
  const { code, fatal } = error as { readonly code?: string; readonly fatal?: boolean }
  return fatal === true || LOST.has(code ?? '')
}
