/** One SQLite connection as the main thread sees it: a message channel to the worker thread that owns it. */
import { Worker } from 'node:worker_threads'
import type { InsertGroup, RowFailure } from './append-queue.js'
import { packRows } from './packed-rows.js'
import type { ReadGroup, ReadOutcome } from './read-queue.js'

export interface SqliteSettings {
  /** A path, or `:memory:`. */
  readonly filename: string
  readonly readonly: boolean
  /** FULL: a commit survives loss of power. NORMAL: it survives the end of the process. */
  readonly synchronous: 'FULL' | 'NORMAL'
}

/** An error of SQLite's; `code` is such as `SQLITE_CONSTRAINT_PRIMARYKEY`. */
export class SqliteError extends Error {
  override readonly name = 'SqliteError'
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

export interface RunResult {
  readonly changes: number
  readonly lastInsertRowid: number
}

interface Packed {
  readonly columns: readonly string[]
  readonly cells: readonly (readonly unknown[])[]
  readonly hasBytes: boolean
}

type PackedOutcome = Packed | { readonly error: { readonly message: string; readonly code?: string } }

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly code?: string }
}

interface Waiter {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

const WORKER = new URL('./sqlite-worker.mjs', import.meta.url)
/** What it holds lives as long as one request: a small nursery is emptied often and keeps the thread small. */
const LIMITS = { maxYoungGenerationSizeMb: 8 }
/** The id of the worker's first message, which says that the file is open. */
const OPENED = 0

export class SqliteConnection {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiter>()
  readonly #ended: Promise<void>
  #lastId = OPENED
  #isUsable = true

  private constructor(settings: SqliteSettings) {
    // without execArgv the thread would load the TypeScript loader again, which it does not need
    this.#worker = new Worker(WORKER, { workerData: settings, execArgv: [], name: 'sqlite', resourceLimits: LIMITS })
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(new SqliteError('the thread of the database has ended', 'SQLITE_THREAD_ENDED'))
        resolve()
      })
    })
  }

  /** @throws SqliteError (rejects) when the file cannot be opened or is no database */
  static async open(settings: SqliteSettings): Promise<SqliteConnection> {
    const connection = new SqliteConnection(settings)
    await new Promise((resolve, reject) => connection.#waiting.set(OPENED, { resolve, reject }))
    return connection
  }

  get isUsable(): boolean {
    return this.#isUsable
  }

  /** Rows of a statement that returns rows, else what it changed. */
  async query(sql: string, bindings: readonly unknown[]): Promise<Record<string, unknown>[] | RunResult> {
    const result = (await this.#ask({ method: 'query', sql, bindings })) as Packed | RunResult
    return 'cells' in result ? unpack(result) : result
  }

  /** Answers many selects by one message; one that fails says so in its own place. */
  async read(groups: readonly ReadGroup[]): Promise<ReadOutcome[][]> {
    const answers = (await this.#ask({ method: 'read', groups })) as PackedOutcome[][]
    return answers.map((outcomes) =>
      outcomes.map((it) => ('error' in it ? { error: new SqliteError(it.error.message, it.error.code) } : { rows: unpack(it) })),
    )
  }

  /** Stores all groups in one transaction. @returns the rows that were refused; the others are stored */
  async insert(groups: readonly InsertGroup[]): Promise<RowFailure[]> {
    const failures = (await this.#ask({ method: 'insert', groups: groups.map(packRows) })) as (Omit<RowFailure, 'error'> & {
      readonly error: { message: string; code?: string }
    })[]
    return failures.map(({ group, row, error }) => ({ group, row, error: new SqliteError(error.message, error.code) }))
  }

  async close(): Promise<void> {
    if (this.#isUsable) await this.#ask({ method: 'close' })
    await this.#ended
  }

  #ask(request: { readonly method: string } & Record<string, unknown>): Promise<unknown> {
    if (!this.#isUsable) return Promise.reject(new SqliteError('the connection is closed', 'SQLITE_THREAD_ENDED'))
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      try {
        this.#worker.postMessage({ id, ...request })
      } catch (error) {
        this.#waiting.delete(id) // a value that cannot be sent, such as a function
        reject(error instanceof Error ? error : new SqliteError(String(error)))
      }
    })
  }

  #settle({ id, result, error }: Answer): void {
    const waiter = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error) waiter?.reject(new SqliteError(error.message, error.code))
    else waiter?.resolve(result)
  }

  #fail(error: unknown): void {
    this.#isUsable = false
    for (const waiter of this.#waiting.values()) waiter.reject(error)
    this.#waiting.clear()
  }
}

function unpack({ columns, cells, hasBytes }: Packed): Record<string, unknown>[] {
  return cells.map((values) => {
    const row: Record<string, unknown> = {}
    for (let at = 0; at < columns.length; at++) {
      const value = values[at]
      row[columns[at] as string] = hasBytes && value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
    }
    return row
  })
}
