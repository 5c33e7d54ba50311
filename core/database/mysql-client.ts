/** Knex on MySQL or MariaDB through mysql2. */
import type { ColumnValue, Logger } from '@beaconfire/plugin-sdk'
import createKnex, { type Knex } from 'knex'
import type Client from 'knex/lib/client.js'
import Mysql2Client from 'knex/lib/dialects/mysql2/index.js'
import mysql, { type Connection, type ConnectionOptions } from 'mysql2'
import type { DatabaseConfig } from '../config/server-config.js'
import { type Engine, knexLog, NAMES_VALUES_IN_ERRORS } from './engine.js'
import { warnOfLateFlushes } from './mysql-durability.js'
import { plainBindings } from './mysql-values.js'
import { MysqlWriter } from './mysql-writer.js'
import type { ReadRows } from './read-queue.js'

const CONNECT_TIMEOUT_MS = 10_000

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

  /** Knex leaves the bindings out for statements of its own. */
  override prepBindings(bindings: readonly unknown[] = []): unknown[] {
    return plainBindings(bindings)
  }
}

/**
 * @param durability `strict`: a server that is set so that commits can be lost with its power is warned of
 * @throws (rejects) mysql2's error when the server cannot be reached or refuses the account
 */
export async function openMysql(config: DatabaseConfig, log: Logger, durability: 'strict' | 'fast' = 'fast'): Promise<Engine> {
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
    pool: { min: 0, max: config.poolSize, afterCreate: setModes },
    log: knexLog(log),
    compileSqlOnError: NAMES_VALUES_IN_ERRORS,
  })
  try {
    await knex.raw('select 1')
    if (durability === 'strict') await warnOfLateFlushes(knex, log)
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
  const writer = new MysqlWriter((work) => withConnection(knex, work))
  return { client: 'mysql', knex, writeBatch: writer.write, read, close: () => knex.destroy() }
}

/**
 * A server that is not strict stores what does not fit a column cut off, and characters it lacks as `?`, and calls it done. One without
 * escapes by backslash would take a quote in a value, which the driver escapes so, for the end of it.
 */
const MODES = "concat(replace(@@session.sql_mode, 'NO_BACKSLASH_ESCAPES', ''), ',STRICT_TRANS_TABLES')"

function setModes(connection: Connection, done: (error: Error | null, connection: Connection) => void): void {
  connection.query(`set session sql_mode = ${MODES}`, (error) => done(error, connection))
}

async function withConnection<T>(knex: Knex, work: (connection: Connection) => Promise<T>): Promise<T> {
  const client = knex.client as Client
  const connection = (await client.acquireConnection()) as Connection
  try {
    return await work(connection)
  } finally {
    await client.releaseConnection(connection)
  }
}

/** Knex's declarations know bytes as Buffer alone; the client's `prepBindings` makes them so. */
function bound(values: readonly ColumnValue[]): readonly Knex.RawBinding[] {
  return values as readonly Knex.RawBinding[]
}

/** A column of a smaller character set was compared to a text it cannot hold, and so does not: the engine makes an error of it. */
function isIncomparable(error: unknown): boolean {
  return error instanceof Error && (error as { code?: string }).code === 'ER_CANT_AGGREGATE_2COLLATIONS' && error.message.includes(',COERCIBLE)')
}
