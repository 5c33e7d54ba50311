/** Group commit: rows of all appenders that arrive while a write is under way go together in the next transaction. */
import type { Appender, ColumnValue, Row } from '@beaconfire/plugin-sdk'

/** Rows for one statement, their values one after the other: `width` values are a row. */
export interface InsertGroup {
  readonly table: string
  readonly columns: readonly string[]
  /** `insert … values (?, …)` for one row. */
  readonly sql: string
  readonly width: number
  readonly values: ColumnValue[]
}

/** A row that was refused while the others were stored. */
export interface RowFailure {
  readonly group: number
  readonly row: number
  readonly error: unknown
}

/** Stores the groups in one transaction, except for rows that the database refuses. Rejects when nothing was stored. */
export type WriteBatch = (groups: readonly InsertGroup[]) => Promise<readonly RowFailure[]>

export interface AppendLimits {
  /** An appender with more rows than this waiting is saturated. */
  readonly saturatedRows: number
  /** More than this waiting in all appenders and further rows are refused, so that memory stays bounded. */
  readonly refusedRows: number
  readonly refusedCharacters: number
  /** A transaction takes no more, so that one waiting for it is not kept long. */
  readonly batchRows: number
  readonly batchCharacters: number
}

const LIMITS: AppendLimits = {
  saturatedRows: 10_000,
  refusedRows: 100_000,
  refusedCharacters: 256 * 1024 * 1024,
  batchRows: 4000,
  batchCharacters: 8 * 1024 * 1024,
}

/** The queue is full, or the database is closing. The row was not stored. */
export class AppendRefused extends Error {
  override readonly name = 'AppendRefused'
}

interface Queued {
  readonly appender: TableAppender
  readonly values: readonly ColumnValue[]
  readonly characters: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Batch {
  readonly groups: readonly InsertGroup[]
  /** For each group, whose rows they are. */
  readonly rows: readonly (readonly Queued[])[]
}

export class AppendQueue {
  readonly #write: WriteBatch
  readonly #limits: AppendLimits
  #queued: Queued[] = []
  #waitingRows = 0
  #waitingCharacters = 0
  #isClosing = false
  /** Settles when the queue is empty; undefined while it is. */
  #draining: Promise<void> | undefined

  constructor(write: WriteBatch, limits: Partial<AppendLimits> = {}) {
    this.#write = write
    this.#limits = { ...LIMITS, ...limits }
  }

  appender<R extends Row>(table: string, columns: readonly (keyof R & string)[]): Appender<R> {
    return new TableAppender(table, columns, this, this.#limits.saturatedRows) as unknown as Appender<R>
  }

  /** @internal what an appender hands in */
  add(appender: TableAppender, values: readonly ColumnValue[]): Promise<void> {
    const characters = sizeOf(values)
    const refusal = this.#refusal(characters)
    if (refusal) return Promise.reject(new AppendRefused(refusal))
    appender.accepted()
    this.#waitingRows++
    this.#waitingCharacters += characters
    const stored = new Promise<void>((resolve, reject) => this.#queued.push({ appender, values, characters, resolve, reject }))
    this.#draining ??= this.#drain()
    return stored
  }

  /** Refuses further rows and resolves when those queued are stored or have failed. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#draining
  }

  #refusal(characters: number): string | undefined {
    if (this.#isClosing) return 'the database is closing'
    const { refusedRows, refusedCharacters } = this.#limits
    const isFull = this.#waitingRows >= refusedRows || this.#waitingCharacters + characters > refusedCharacters
    return isFull ? 'too much waits to be written to the database' : undefined
  }

  async #drain(): Promise<void> {
    // one turn of the event loop, so that rows which arrive together go together
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queued.length > 0) await this.#writeSome()
    this.#draining = undefined
  }

  async #writeSome(): Promise<void> {
    const taken = this.#take()
    const batch = grouped(taken)
    try {
      settle(batch, await this.#write(batch.groups))
    } catch (error) {
      for (const row of taken) row.reject(error)
    }
    for (const { characters } of taken) this.#waitingCharacters -= characters
    this.#waitingRows -= taken.length
    for (const rows of batch.rows) rows[0]?.appender.settled(rows.length)
  }

  #take(): readonly Queued[] {
    const { batchRows, batchCharacters } = this.#limits
    let characters = 0
    let count = 0
    while (count < this.#queued.length && count < batchRows && (count === 0 || characters < batchCharacters)) {
      characters += this.#queued[count++]?.characters ?? 0
    }
    const taken = this.#queued.slice(0, count)
    this.#queued = this.#queued.slice(count)
    return taken
  }
}

/** Rows of one table. What goes wrong with one row is told to its sender alone. */
class TableAppender implements Appender<Row> {
  readonly table: string
  readonly columns: readonly string[]
  readonly sql: string
  readonly #queue: AppendQueue
  readonly #saturatedRows: number
  #appended = 0
  #settled = 0
  #idleWaiters: { readonly until: number; readonly resolve: () => void }[] = []

  constructor(table: string, columns: readonly string[], queue: AppendQueue, saturatedRows: number) {
    this.table = table
    this.columns = columns
    this.sql = insertSql(table, columns, 1)
    this.#queue = queue
    this.#saturatedRows = saturatedRows
  }

  append(row: Row): Promise<void> {
    return this.#queue.add(
      this,
      this.columns.map((column) => row[column] ?? null),
    )
  }

  get pending(): number {
    return this.#appended - this.#settled
  }

  get isSaturated(): boolean {
    return this.pending > this.#saturatedRows
  }

  whenIdle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push({ until: this.#appended, resolve }))
  }

  accepted(): void {
    this.#appended++
  }

  /** Rows are settled in the order they came, so a count tells which. */
  settled(count: number): void {
    this.#settled += count
    const isDone = ({ until }: { readonly until: number }) => until <= this.#settled
    if (this.#idleWaiters.length === 0) return
    const done = this.#idleWaiters.filter(isDone)
    this.#idleWaiters = this.#idleWaiters.filter((waiter) => !isDone(waiter))
    for (const { resolve } of done) resolve()
  }
}

/** The statement that stores `rows` rows; the quotes are those of SQLite and MySQL alike. */
export function insertSql(table: string, columns: readonly string[], rows: number): string {
  const name = (text: string) => `\`${text.replaceAll('`', '``')}\``
  const row = `(${columns.map(() => '?').join(', ')})`
  return `insert into ${name(table)} (${columns.map(name).join(', ')}) values ${Array(rows).fill(row).join(', ')}`
}

function grouped(taken: readonly Queued[]): Batch {
  const groups = new Map<TableAppender, { readonly group: InsertGroup; readonly rows: Queued[] }>()
  for (const row of taken) {
    const { appender } = row
    let entry = groups.get(appender)
    if (!entry) {
      const { table, columns, sql } = appender
      entry = { group: { table, columns, sql, width: columns.length, values: [] }, rows: [] }
      groups.set(appender, entry)
    }
    entry.group.values.push(...row.values)
    entry.rows.push(row)
  }
  const entries = [...groups.values()]
  return { groups: entries.map(({ group }) => group), rows: entries.map(({ rows }) => rows) }
}

function settle(batch: Batch, failures: readonly RowFailure[]): void {
  for (const { group, row, error } of failures) batch.rows[group]?.[row]?.reject(error)
  // a promise that was rejected above stays so
  for (const rows of batch.rows) for (const { resolve } of rows) resolve()
}

function sizeOf(values: readonly ColumnValue[]): number {
  let size = 0
  for (const value of values) size += typeof value === 'object' ? (value?.byteLength ?? 0) : typeof value === 'string' ? value.length : 0
  return size
}
