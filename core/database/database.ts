/** The server's database: opens it, migrates it, and hands each plugin its view of it (design §6). */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ColumnValue, Database, DatabaseClient, Logger, Migration } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { DatabaseConfig } from '../config/server-config.js'
import { AppendQueue } from './append-queue.js'
import { createBaseTables } from './base-tables.js'
import type { Engine } from './engine.js'
import { IdSequences } from './id-sequences.js'
import { isDuplicate } from './is-duplicate.js'
import { type MigratedTables, migrate } from './migrator.js'
import { supportedOpenfireVersion } from './openfire-schema.js'

export interface ServerDatabase {
  readonly client: DatabaseClient
  /** Version of Openfire's schema, where the database is that of an Openfire installation. */
  readonly openfireVersion: number | undefined
  /** Server-side use, of core's own stores. */
  forPlugin(name: string): Database
  /** @throws MigrationError (rejects); see `migrator.ts` */
  migrate(owner: string, migrations: readonly Migration[], served?: number): Promise<MigratedTables>
  /**
   * Long selects have threads of their own from now on. A start, which waits for each of its selects, needs none, and a server that
   * nobody uses does without their 10 MB each.
   */
  separateReads(): void
  /** Resolves when the database answers. */
  ping(): Promise<void>
  /** Writes what is queued, then lets go of the database. */
  close(): Promise<void>
}

/**
 * @param durability `strict`: what is committed survives loss of power; `fast`: it survives the end of the process. On MySQL this is
 *   the database server's own setting: `strict` warns where it is not so.
 * @throws (rejects) the engine's error when the database cannot be opened; OpenfireUnsupported, with nothing changed
 */
export async function openDatabase(
  config: DatabaseConfig,
  dataFolder: string,
  log: Logger,
  durability: 'strict' | 'fast' = 'strict',
): Promise<ServerDatabase> {
  const engine = await openEngine(config, dataFolder, log, durability)
  try {
    const openfireVersion = await supportedOpenfireVersion(engine.knex)
    if (openfireVersion !== undefined)
      log.info({ schemaVersion: openfireVersion }, 'the database is that of an Openfire installation, and is served in place')
    await createBaseTables(engine.knex)
    return new OpenDatabase(engine, log, openfireVersion)
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** The driver of the engine that is not used is not even loaded. */
async function openEngine(config: DatabaseConfig, dataFolder: string, log: Logger, durability: 'strict' | 'fast'): Promise<Engine> {
  if (config.client === 'mysql') {
    const { openMysql } = await import('./mysql-client.js')
    return openMysql(config, log, durability)
  }
  const filename = config.filename ?? join(dataFolder, 'beaconfire.sqlite')
  if (filename !== ':memory:') await mkdir(dirname(filename), { recursive: true })
  const { openSqlite } = await import('./sqlite-client.js')
  return openSqlite({ filename, survivesPowerLoss: durability === 'strict' }, log)
}

class OpenDatabase implements ServerDatabase {
  readonly client: DatabaseClient
  readonly openfireVersion: number | undefined
  readonly #engine: Engine
  readonly #log: Logger
  readonly #appends: AppendQueue
  readonly #ids: IdSequences
  #closing: Promise<void> | undefined

  constructor(engine: Engine, log: Logger, openfireVersion: number | undefined) {
    this.client = engine.client
    this.openfireVersion = openfireVersion
    this.#engine = engine
    this.#log = log
    this.#appends = new AppendQueue(engine.writeBatch)
    this.#ids = new IdSequences(engine)
  }

  forPlugin(_name: string): Database {
    const { knex, client } = this.#engine
    return {
      client,
      knex,
      read: <R extends object>(sql: string, bindings: readonly ColumnValue[]) => this.#engine.read(sql, bindings) as Promise<R[]>,
      transaction: <T>(work: (trx: Knex.Transaction) => Promise<T>) => knex.transaction(work),
      appender: (table, columns) => this.#appends.appender(table, columns),
      nextId: (idType) => this.#ids.nextId(idType),
      isDuplicate,
    }
  }

  migrate(owner: string, migrations: readonly Migration[], served?: number): Promise<MigratedTables> {
    return migrate(this.#engine, owner, migrations, this.#log, served)
  }

  separateReads(): void {
    this.#engine.separateReads?.()
  }

  async ping(): Promise<void> {
    await this.#engine.knex.raw('select 1')
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#appends.close()
    await this.#ids.close()
    await this.#engine.close()
  }
}
