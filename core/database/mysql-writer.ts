/** Group commit on MySQL or MariaDB: past Knex, whose builders and transactions cost more than the rows of a small batch. */
import type { ColumnValue } from '@beaconfire/plugin-sdk'
import type { Connection, RowDataPacket } from 'mysql2'
import { type InsertGroup, insertSql, type RowFailure, type WriteBatch } from './append-queue.js'
import { isDuplicate } from './is-duplicate.js'
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

/** `wasLost`: a connection was lost over it, too, so that its rows may be there. */
type Outcome = { readonly isStored: true } | { readonly isStored: false; readonly error: unknown; readonly wasLost: boolean }

export class MysqlWriter {
  readonly #withConnection: WithConnection
  readonly #usedAt = new WeakMap<Connection, number>()

  constructor(withConnection: WithConnection) {
    this.#withConnection = withConnection
  }

  /** All groups in one transaction; where the database refuses that each group in its own, and of a group that is refused each row. */
  readonly write: WriteBatch = async (groups) => {
    const whole = await this.#try(groups.flatMap((group) => [...statements(group)]))
    if (whole.isStored) return []
    if (isLost(whole.error)) throw whole.error
    const failures: RowFailure[] = []
    let gone: unknown
    for (const [index, group] of groups.entries()) {
      for (const failure of await this.#insertGroup(group, index, whole.wasLost, gone)) {
        failures.push(failure)
        if (isLost(failure.error)) gone = failure.error
      }
    }
    return failures
  }

  /**
   * @param wasLost its rows may be stored, for a connection was lost over them
   * @param gone why the database cannot be reached any more, where it cannot
   * @returns the rows that were refused. Rejects never: what fails now is told row by row
   */
  async #insertGroup(group: InsertGroup, index: number, wasLost: boolean, gone: unknown): Promise<RowFailure[]> {
    const failures: RowFailure[] = []
    const whole: Outcome = gone === undefined ? await this.#try([...statements(group)]) : { isStored: false, error: gone, wasLost }
    if (whole.isStored) return failures
    let lost = isLost(whole.error) ? whole.error : undefined
    for (const [row, values] of rowsOf(group).entries()) {
      // One row that is lost is tried again; when that is, too, the others would be, each after its time.
      const error: unknown = lost ?? (await this.#insertRow(group, values, wasLost || whole.wasLost))
      if (error !== undefined) failures.push({ group: index, row, error })
      if (isLost(error)) lost = error
    }
    return failures
  }

  /** @returns why it is not stored; undefined when it is */
  async #insertRow(group: InsertGroup, values: readonly ColumnValue[], wasLost: boolean): Promise<unknown> {
    const outcome = await this.#try([{ sql: group.sql, values }])
    if (outcome.isStored) return undefined
    const isSuspect = (wasLost || outcome.wasLost) && isDuplicate(outcome.error)
    return isSuspect && (await this.#holds(group, values)) ? undefined : outcome.error
  }

  /** Once more when the connection is lost, for another one may be had at once. Then it may turn out that the rows are stored already. */
  async #try(statements: readonly Statement[]): Promise<Outcome> {
    for (let wasLost = false; ; wasLost = true) {
      try {
        await this.#insert(statements)
        return { isStored: true }
      } catch (error) {
        if (wasLost || !isLost(error)) return { isStored: false, error, wasLost }
      }
    }
  }

  /** True when there is a row of exactly these values: asked after one of the same key was found, so it takes an index. */
  async #holds({ table, columns }: InsertGroup, values: readonly ColumnValue[]): Promise<boolean> {
    const name = (text: string) => `\`${text.replaceAll('`', '``')}\``
    const sql = `select 1 from ${name(table)} where ${columns.map((it) => `${name(it)} <=> ?`).join(' and ')} limit 1`
    try {
      const rows = await this.#withLiveConnection((connection) => ask(connection, sql, values))
      return rows.length > 0
    } catch {
      return false // a row that may be stored and is told as refused does less harm than one that is not, and is told as stored
    }
  }

  /** One statement is a transaction by itself, and one round trip instead of three. */
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

function ask(connection: Connection, sql: string, values: readonly ColumnValue[]): Promise<RowDataPacket[]> {
  return new Promise((resolve, reject) => {
    connection.query<RowDataPacket[]>(sql, plainBindings(values), (error, rows) => (error ? reject(error) : resolve(rows)))
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
