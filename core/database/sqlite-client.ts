/** Knex on SQLite in worker threads: one connection writes, and plain selects have connections of their own. */
import type { Logger } from '@beaconfire/plugin-sdk'
import createKnex, { type Knex } from 'knex'
import type Client from 'knex/lib/client.js'
import BetterSqlite3Client from 'knex/lib/dialects/better-sqlite3/index.js'
import Runner from 'knex/lib/execution/runner.js'
import { type Engine, knexLog, NAMES_VALUES_IN_ERRORS } from './engine.js'
import { type ReadGroup, type ReadOutcome, ReadQueue } from './read-queue.js'
import { SqliteConnection, type SqliteSettings } from './sqlite-connection.js'
import { SqliteLookUps } from './sqlite-look-ups.js'

/** Two, so that a short select need not wait for a long one. They are started when first needed. */
const MOST_READERS = 2
const IDLE_READER_MS = 60_000

interface Query {
  sql: string
  bindings?: readonly unknown[]
  response?: unknown
  context?: { readonly lastID: number; readonly changes: number }
}

class SqliteClient extends BetterSqlite3Client {
  /** Where plain selects go; absent until the server has started, in memory, which one connection alone can see, and in a transaction. */
  readers: Client | undefined
  declare connectionSettings: SqliteSettings

  override _driver(): object {
    return SqliteConnection
  }

  override acquireRawConnection(): Promise<SqliteConnection> {
    return SqliteConnection.open({ ...this.connectionSettings })
  }

  override destroyRawConnection(connection: SqliteConnection): Promise<void> {
    return connection.close()
  }

  override validateConnection(connection: SqliteConnection): boolean {
    return connection.isUsable
  }

  override async _query(connection: SqliteConnection, query: Query): Promise<Query> {
    // A transaction that begins by reading could find, when it comes to write, that another process has written since.
    const sql = query.sql === 'BEGIN;' ? 'BEGIN IMMEDIATE;' : query.sql
    const result = await connection.query(sql, query.bindings ?? [])
    query.response = result
    if (!Array.isArray(result)) query.context = { lastID: result.lastInsertRowid, changes: result.changes }
    return query
  }

  override runner(builder: unknown): Runner {
    return this.readers && isPlainSelect(builder) ? new ReadRunner(this, builder, this.readers) : new Runner(this, builder)
  }
}

/** Takes its connection from the readers' pool; all else is the writing client's. */
class ReadRunner extends Runner {
  readonly #readers: Client

  constructor(client: Client, builder: unknown, readers: Client) {
    super(client, builder)
    this.#readers = readers
  }

  override async ensureConnection(work: (runner: Runner, details: unknown) => Promise<unknown>, details?: unknown): Promise<unknown> {
    if ((this.builder as { _connection?: unknown })._connection) return super.ensureConnection(work, details)
    const connection: unknown = await this.#readers.acquireConnection()
    this.connection = connection
    try {
      return await work(this, details)
    } finally {
      await this.#readers.releaseConnection(connection)
    }
  }
}

function isPlainSelect(builder: unknown): boolean {
  const method = (builder as { _method?: string })._method
  return method === 'select' || method === 'first' || method === 'pluck'
}

export interface SqliteOptions {
  /** A path, or `:memory:`. */
  readonly filename: string
  /** Whether a commit must survive loss of power, not just the end of the process. */
  readonly survivesPowerLoss: boolean
}

/** @throws SqliteError (rejects) when the file cannot be opened */
export async function openSqlite(options: SqliteOptions, log: Logger): Promise<Engine> {
  const settings = { filename: options.filename, readonly: false, synchronous: options.survivesPowerLoss ? 'FULL' : 'NORMAL' } as const
  const knex = knexWith(settings, { min: 1, max: 1 }, log)
  const client = knex.client as SqliteClient
  const readers = options.filename === ':memory:' ? undefined : knexWith({ ...settings, readonly: true }, READER_POOL, log)
  const withWriter = async <T>(work: (connection: SqliteConnection) => Promise<T>): Promise<T> => {
    const connection = (await client.acquireConnection()) as SqliteConnection
    try {
      return await work(connection)
    } finally {
      await client.releaseConnection(connection)
    }
  }
  const longReads = readers && new LongReads({ ...settings, readonly: true })
  const reads = new ReadQueue((groups) => (longReads ? longReads.read(groups) : withWriter((writer) => writer.read(groups))))
  const lookUps = readers && (await lookUpsIn(options.filename, reads))
  const close = async () => {
    lookUps?.close()
    await longReads?.close()
    await readers?.destroy()
    await knex.destroy()
  }
  try {
    await knex.raw('select 1 from sqlite_master') // reads the file, so what is no database is found now
  } catch (error) {
    await close()
    throw error
  }
  return {
    client: 'sqlite',
    knex,
    writeBatch: (groups) => withWriter((writer) => writer.insert(groups)),
    read: (sql, bindings) => (lookUps ?? reads).read(sql, bindings),
    separateReads: () => {
      client.readers = readers?.client as Client | undefined
    },
    close,
  }
}

async function lookUpsIn(filename: string, reads: ReadQueue): Promise<SqliteLookUps> {
  const { SqliteDriver } = await import('./sqlite-driver.mjs')
  // No waiting for a lock: that would be the whole server's.
  const open = () => new SqliteDriver(filename, { readonly: true, timeout: 0 })
  return new SqliteLookUps(open, (sql, bindings) => reads.read(sql, bindings))
}

/** The connection of reads that turned out long: opened when first needed, and anew should its thread have ended. */
class LongReads {
  readonly #settings: SqliteSettings
  #connection: Promise<SqliteConnection> | undefined

  constructor(settings: SqliteSettings) {
    this.#settings = settings
  }

  async read(groups: readonly ReadGroup[]): Promise<ReadOutcome[][]> {
    let connection = await this.#opened()
    if (!connection.isUsable) {
      this.#connection = undefined
      connection = await this.#opened()
    }
    return connection.read(groups)
  }

  async close(): Promise<void> {
    await (await this.#connection)?.close()
  }

  #opened(): Promise<SqliteConnection> {
    this.#connection ??= SqliteConnection.open(this.#settings).catch((error: unknown) => {
      this.#connection = undefined // the next read tries again
      throw error
    })
    return this.#connection
  }
}

const READER_POOL = { min: 0, max: MOST_READERS, idleTimeoutMillis: IDLE_READER_MS, reapIntervalMillis: IDLE_READER_MS }

/** A Knex that can only look at the file, which must exist; `destroy` lets go of it. */
export function readOnlySqlite(filename: string, log: Logger): Knex {
  return knexWith({ filename, readonly: true, synchronous: 'NORMAL' }, READER_POOL, log)
}

function knexWith(settings: SqliteSettings, pool: Knex.PoolConfig, log: Logger): Knex {
  // Knex closes connections that idle: the one that writes stays, for a database in memory would be gone with it
  return createKnex({
    client: SqliteClient as unknown as typeof Knex.Client,
    connection: settings as unknown as Knex.Sqlite3ConnectionConfig,
    useNullAsDefault: true,
    pool,
    log: knexLog(log),
    compileSqlOnError: NAMES_VALUES_IN_ERRORS,
  })
}
