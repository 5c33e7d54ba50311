/** The server's database, opened so that nothing can be written to it. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { ColumnValue, Database } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import type { ServerConfig } from '../../config/server-config.js'
import { isDuplicate } from '../../database/is-duplicate.js'
import { silentLogger } from '../../log.js'
import { RehearsalImpossible } from './rehearsal-options.js'

export interface ReadOnlyDatabase {
  readonly database: Database
  close(): Promise<void>
}

interface RawConnections {
  acquireRawConnection(): Promise<{ promise(): { query(sql: string): Promise<unknown> } }>
}

/** @throws RehearsalImpossible (rejects) when it cannot be opened */
export async function openReadOnly({ database, dataFolder }: Pick<ServerConfig, 'database' | 'dataFolder'>): Promise<ReadOnlyDatabase> {
  try {
    return database.client === 'mysql'
      ? await readOnlyMysql(database)
      : await readOnlyFile(database.filename ?? join(dataFolder, 'beaconfire.sqlite'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RehearsalImpossible(`the server's database cannot be read: ${reason}; --no-database does without`)
  }
}

async function readOnlyFile(filename: string): Promise<ReadOnlyDatabase> {
  await access(filename)
  const { readOnlySqlite } = await import('../../database/sqlite-client.js')
  const knex = readOnlySqlite(filename, silentLogger)
  const close = () => knex.destroy()
  try {
    await knex.raw('select 1 from sqlite_master')
  } catch (error) {
    await close()
    throw error
  }
  const read = async <R extends object>(sql: string, bindings: readonly ColumnValue[]) => (await knex.raw(sql, bindings as never)) as R[]
  return { database: readable('sqlite', knex, read), close }
}

async function readOnlyMysql(config: ServerConfig['database']): Promise<ReadOnlyDatabase> {
  const { openMysql } = await import('../../database/mysql-client.js')
  const engine = await openMysql({ ...config, poolSize: 2 }, silentLogger)
  const client = engine.knex.client as RawConnections
  const acquire = client.acquireRawConnection.bind(client)
  client.acquireRawConnection = async () => {
    const connection = await acquire()
    await connection.promise().query('set session transaction read only')
    return connection
  }
  const read = engine.read as Database['read']
  return { database: readable('mysql', engine.knex, read), close: engine.close }
}

function readable(client: Database['client'], knex: Knex, read: Database['read']): Database {
  const refused = async (): Promise<never> => {
    throw new Error('this view of the database can only be read')
  }
  const appender = () => {
    throw new Error('this view of the database can only be read')
  }
  return { client, knex, read, transaction: refused, appender, nextId: refused, isDuplicate }
}
