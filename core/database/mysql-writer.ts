/** Group commit on MySQL or MariaDB: past Knex, whose builders and transactions cost more than the rows of a small batch. */
import type { ColumnValue } from '@beaconfire/plugin-sdk'
import type { Connection } from 'mysql2'
import { type InsertGroup, insertSql, type RowFailure, type WriteBatch } from './append-queue.js'
import { isLost, plainBindings } from './mysql-values.js'

/** Rows of one insert statement, and how large it may grow: old servers take 1 MB (`max_allowed_packet`). */
const STATEMENT_ROWS = 500
const STATEMENT_CHARACTERS = 200_000
/** A connection that was not used for so long, in ms, is asked whether it is still there. */
const FRESH_MS = 1000

/** Runs its work with a connection of the pool. */
export type WithConnection = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>

interface Statement {
  readonly sql: string
  readonly values: readonly ColumnValue[]
}

export class MysqlWriter {
  readonly #withConnection: WithConnection
  readonly #usedAt = new WeakMap<Connection, number>()

  constructor(withConnection: WithConnection) {
    this.#withConnection = withConnection
  }

  /** All groups in one transaction; when that fails each group in its own, and of a group that fails each row. */
  readonly write: WriteBatch = async (groups) => {
    try {
      await this.#insert(groups.flatMap((group) => [...statements(group)]))
      return []
    } catch (error) {
      if (isLost(error)) throw error
    }
    const failures: RowFailure[] = []
    for (const [index, group] of groups.entries()) failures.push(...(await this.#insertGroup(group, index)))
    return failures
  }

  /** @returns the rows that were refused. Rejects never: what fails now is told row by row */
  async #insertGroup(group: InsertGroup, index: number): Promise<RowFailure[]> {
    try {
      await this.#insert([...statements(group)])
      return []
    } catch (error) {
      if (isLost(error)) return rowsOf(group).map((_, row) => ({ group: index, row, error }))
    }
    const failures: RowFailure[] = []
    for (const [row, values] of rowsOf(group).entries()) {
      try {
        await this.#insert([{ sql: group.sql, values }])
      } catch (error) {
        failures.push({ group: index, row, error })
      }
    }
    return failures
  }

  /**
   * One statement is a transaction by itself, and one round trip instead of three. What is lost with the connection is not sent again:
   * it may be stored.
   */
  #insert(statements: readonly Statement[]): Promise<void> {
    return this.#withLiveConnection(async (connection) => {
      const [first, ...others] = statements
      if (first && others.length === 0) await run(connection, first.sql, first.values)
      else if (first) await inTransaction(connection, statements)
    })
  }

  /** A connection kept in the pool may have died since: a new one is worth a try. */
  async #withLiveConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (let isRepeat = false; ; isRepeat = true) {
      const outcome = await this.#withConnection(async (connection) => {
        if (!isRepeat && !(await this.#isThere(connection))) return undefined
        const result = await work(connection)
        this.#usedAt.set(connection, performance.now())
        return { result }
      })
      if (outcome) return outcome.result
    }
  }

  async #isThere(connection: Connection): Promise<boolean> {
    const usedAt = this.#usedAt.get(connection)
    if (usedAt !== undefined && performance.now() - usedAt < FRESH_MS) return true
    try {
      await new Promise<void>((resolve, reject) => void connection.ping((error) => (error ? reject(error) : resolve())))
      return true
    } catch (error) {
      if (isLost(error)) return false
      throw error
    }
  }
}

async function inTransaction(connection: Connection, statements: readonly Statement[]): Promise<void> {
  await run(connection, 'START TRANSACTION')
  try {
    for (const { sql, values } of statements) await run(connection, sql, values)
    await run(connection, 'COMMIT')
  } catch (error) {
    // One that cannot even be rolled back is not to be used again, whatever it has done.
    if (!isLost(error)) await run(connection, 'ROLLBACK').catch(() => connection.destroy())
    throw error
  }
}

function run(connection: Connection, sql: string, values: readonly ColumnValue[] = []): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.query(sql, plainBindings(values), (error) => (error ? reject(error) : resolve()))
  })
}

function rowsOf({ width, values }: InsertGroup): ColumnValue[][] {
  return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width))
}

/** Inserts of many rows, within what the server takes as one packet. */
function* statements(group: InsertGroup): Generator<Statement> {
  const { width, values } = group
  let from = 0
  let characters = 0
  for (let at = 0; at < values.length; at += width) {
    let size = 0
    for (let column = at; column < at + width; column++) size += charactersOf(values[column] as ColumnValue)
    const isFull = at - from >= STATEMENT_ROWS * width || characters + size > STATEMENT_CHARACTERS
    if (isFull && at > from) {
      yield statement(group, from, at)
      from = at
      characters = 0
    }
    characters += size
  }
  yield statement(group, from, values.length)
}

function statement({ table, columns, width, values }: InsertGroup, from: number, to: number): Statement {
  const isWhole = from === 0 && to === values.length
  return { sql: insertSql(table, columns, (to - from) / width), values: isWhole ? values : values.slice(from, to) }
}

function charactersOf(value: ColumnValue): number {
  if (typeof value === 'string') return value.length
  return value instanceof Uint8Array ? value.length * 2 : 8
}
