/** Group commit: rows of all appenders that arrive while a write is under way go together in the next transaction. */
import type { Appender, ColumnValue, Row } from '@beaconfire/plugin-sdk'
import { StoredTogether } from './stored-together.js'

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

/** Stores the groups in one transaction, except for rows that the database refuses. Rejects when nothing is stored, as far as can be told. */
export type WriteBatch = (groups: readonly InsertGroup[]) => Promise<readonly RowFailure[]>

export interface AppendLimits {
  /** An appender with more rows than this waiting is saturated. Few, for those who wait then wait as long as it takes to write them. */
  readonly saturatedRows: number
  /** With more than this waiting in all appenders, those with rows among it are. */
  readonly saturatedCharacters: number
  /** More than this waiting in all appenders and further rows are refused, so that memory stays bounded. */
  readonly refusedRows: number
  readonly refusedCharacters: number
  /** A transaction takes no more, so that one waiting for it is not kept long. */
  readonly batchRows: number
  readonly batchCharacters: number
}

const LIMITS: AppendLimits = {
  saturatedRows: 2000,
  saturatedCharacters: 8 * 1024 * 1024,
  refusedRows: 100_000,
  refusedCharacters: 256 * 1024 * 1024,
  batchRows: 1000,
  batchCharacters: 2 * 1024 * 1024,
}

/** The queue is full, or the database is closing. The row was not stored. */
export class AppendRefused extends Error {
  override readonly name = 'AppendRefused'
}

/** Who is told what became of a row: its own promise, or a function for a row that goes together with others. */
type Told = Deferred | { readonly row: Row; readonly refused: (error: unknown, row: Row) => void }

/** The rows of one appender in one transaction. */
interface RowGroup extends InsertGroup {
  readonly appender: TableAppender
  /** By place. */
  readonly told: Told[]
  /** The promise of the rows that go together. */
  shared: StoredTogether | undefined
}

/** What goes into one transaction. */
interface Batch {
  readonly groups: RowGroup[]
  rows: number
  characters: number
}

export class AppendQueue {
  readonly #write: WriteBatch
  readonly #limits: AppendLimits
  /** Takes rows until it is full, or its turn has come. */
  #open: Batch = newBatch()
  /** Full ones before it. */
  #full: Batch[] = []
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

  /** @internal makes room for a row of this size */
  room(appender: TableAppender, characters: number): RowGroup | AppendRefused {
    const refusal = this.#refusal(characters)
    if (refusal) return new AppendRefused(refusal)
    const { batchRows, batchCharacters } = this.#limits
    if (this.#open.rows >= batchRows || (this.#open.rows > 0 && this.#open.characters >= batchCharacters)) {
      this.#full.push(this.#open)
      this.#open = newBatch()
    }
    this.#open.rows++
    this.#open.characters += characters
    this.#waitingRows++
    this.#waitingCharacters += characters
    this.#draining ??= this.#drain()
    return this.#groupOf(appender)
  }

  /** @internal */
  get isSaturated(): boolean {
    return this.#waitingCharacters > this.#limits.saturatedCharacters
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

  #groupOf(appender: TableAppender): RowGroup {
    const { groups } = this.#open
    for (const group of groups) if (group.appender === appender) return group
    const { table, columns, sql } = appender
    const group: RowGroup = { appender, table, columns, sql, width: columns.length, values: [], told: [], shared: undefined }
    groups.push(group)
    return group
  }

  async #drain(): Promise<void> {
    // one turn of the event loop, so that rows which arrive together go together
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waitingRows > 0) await this.#writeSome()
    this.#draining = undefined
  }

  async #writeSome(): Promise<void> {
    const batch = this.#take()
    try {
      settle(batch, await this.#write(batch.groups.map(({ table, columns, sql, width, values }) => ({ table, columns, sql, width, values }))))
    } catch (error) {
      fail(batch, error)
    }
    this.#waitingCharacters -= batch.characters
    this.#waitingRows -= batch.rows
    for (const { appender, told } of batch.groups) appender.settled(told.length)
  }

  #take(): Batch {
    const full = this.#full.shift()
    if (full) return full
    const taken = this.#open
    this.#open = newBatch()
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
  /** In order of `until`. */
  #idleWaiters: { readonly until: number; readonly deferred: Deferred }[] = []

  constructor(table: string, columns: readonly string[], queue: AppendQueue, saturatedRows: number) {
    this.table = table
    this.columns = columns
    this.sql = insertSql(table, columns, 1)
    this.#queue = queue
    this.#saturatedRows = saturatedRows
  }

  append(row: Row): Promise<void> {
    const group = this.#add(row)
    if (group instanceof AppendRefused) return Promise.reject(group)
    const deferred = new Deferred()
    group.told.push(deferred)
    return deferred.promise
  }

  appendTogether(row: Row, refused: (error: unknown, row: Row) => void): Promise<void> {
    const group = this.#add(row)
    if (group instanceof AppendRefused) {
      refused(group, row)
      return Promise.reject(group)
    }
    group.shared ??= StoredTogether.begin()
    group.shared.last = group.told.length
    group.told.push({ row, refused })
    return group.shared
  }

  #add(row: Row): RowGroup | AppendRefused {
    const { columns } = this
    const group = this.#queue.room(this, sizeOf(row, columns))
    if (group instanceof AppendRefused) return group
    for (let at = 0; at < columns.length; at++) group.values.push(row[columns[at] as string] ?? null)
    this.#appended++
    return group
  }

  get pending(): number {
    return this.#appended - this.#settled
  }

  get isSaturated(): boolean {
    return this.pending > this.#saturatedRows || (this.pending > 0 && this.#queue.isSaturated)
  }

  whenIdle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve()
    const until = this.#appended
    const last = this.#idleWaiters.at(-1)
    if (last?.until === until) return last.deferred.promise
    const deferred = new Deferred()
    this.#idleWaiters.push({ until, deferred })
    return deferred.promise
  }

  /** Rows are settled in the order they came, so a count tells which. */
  settled(count: number): void {
    this.#settled += count
    let done = 0
    while (this.#idleWaiters[done] && (this.#idleWaiters[done]?.until as number) <= this.#settled) done++
    for (const { deferred } of this.#idleWaiters.splice(0, done)) deferred.resolve()
  }
}

/** The statement that stores `rows` rows; the quotes are those of SQLite and MySQL alike. */
export function insertSql(table: string, columns: readonly string[], rows: number): string {
  const name = (text: string) => `\`${text.replaceAll('`', '``')}\``
  const row = `(${columns.map(() => '?').join(', ')})`
  return `insert into ${name(table)} (${columns.map(name).join(', ')}) values ${Array(rows).fill(row).join(', ')}`
}

class Deferred {
  readonly promise: Promise<void>
  resolve: () => void = () => {}
  reject: (error: unknown) => void = () => {}

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

function newBatch(): Batch {
  return { groups: [], rows: 0, characters: 0 }
}

function settle({ groups }: Batch, failures: readonly RowFailure[]): void {
  for (const { group, row, error } of failures) {
    const { told, shared } = groups[group] as RowGroup
    const one = told[row] as Told
    refuse(one, error)
    if (shared && !(one instanceof Deferred)) (shared.refused ??= new Map()).set(row, error)
  }
  for (const { told, shared } of groups) {
    shared?.resolve()
    for (const one of told) if (one instanceof Deferred) one.resolve() // what was rejected above stays so
  }
}

function fail({ groups }: Batch, error: unknown): void {
  for (const { told, shared } of groups) {
    shared?.reject(error)
    for (const one of told) refuse(one, error)
  }
}

function refuse(told: Told, error: unknown): void {
  if (told instanceof Deferred) told.reject(error)
  else told.refused(error, told.row)
}

function sizeOf(row: Row, columns: readonly string[]): number {
  let size = 0
  for (let at = 0; at < columns.length; at++) {
    const value = row[columns[at] as string]
    size += typeof value === 'string' ? value.length : typeof value === 'object' ? (value?.byteLength ?? 0) : 0
  }
  return size
}
