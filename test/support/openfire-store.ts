/** Runs the same tests over databases of Openfire installations of both generations, on SQLite and on a MariaDB of their own. */
import { join } from 'node:path'
import { describe, type TestContext } from 'node:test'
import { startMariaDb } from '@beaconfire/plugin-sdk/testing'
import type { Knex } from 'knex'
import { loadConfig, type Overrides } from '../../core/config/load-config.js'
import type { DatabaseConfig, ServerConfig } from '../../core/config/server-config.js'
import { openDatabase, type ServerDatabase } from '../../core/database/database.js'
import type { Engine } from '../../core/database/engine.js'
import { openMysql } from '../../core/database/mysql-client.js'
import { openSqlite } from '../../core/database/sqlite-client.js'
import { silentLogger } from '../../core/log.js'
import { onMariaDb, temporaryFolder } from './engines.js'
import { fillOpenfire, type OpenfireOptions, type OpenfireUser } from './openfire-database.js'

/** The installation's database, before and while a server of ours uses it. */
export interface OpenfireStore {
  /** Of a server's configuration. */
  readonly config: Overrides<ServerConfig>['database'] & object
  readonly users: readonly OpenfireUser[]
  /** Past the server, as Openfire or an administrator would use it. */
  readonly knex: Knex
  readonly client: 'sqlite' | 'mysql'
  open(): Promise<ServerDatabase>
}

export type NewOpenfire = (t: TestContext, options?: Partial<OpenfireOptions>) => Promise<OpenfireStore>

/** Schema versions that keep the keys of SCRAM in `ofUser`, and in a table of their own. */
const GENERATIONS = [38, 40] as const

export function onBothGenerations(tests: (newOpenfire: NewOpenfire, version: number, client: 'sqlite' | 'mysql') => void): void {
  for (const version of GENERATIONS) {
    describe(`schema ${version} on SQLite`, () => {
      tests((t, options) => sqliteOpenfire(t, { version, ...options }), version, 'sqlite')
    })
  }
  onMariaDb((_newStore, server) => {
    for (const version of GENERATIONS) {
      describe(`schema ${version}`, () => {
        const fresh = async () => ({ client: 'mysql' as const, connection: await server().freshDatabase() })
        tests(async (t, options) => openfire(t, await fresh(), { version, ...options }), version, 'mysql')
      })
    }
  })
}

/** On a MariaDB of the test's own. @returns undefined when the test was skipped */
export async function openfireOnOwnMariaDb(
  t: TestContext,
  options: OpenfireOptions,
  serverOptions: readonly string[],
): Promise<OpenfireStore | undefined> {
  const server = await startMariaDb(t, undefined, serverOptions)
  return server && openfire(t, { client: 'mysql', connection: server.connection }, options)
}

/** On MariaDB alone. */
export function onMariaDbOpenfire(tests: (newOpenfire: NewOpenfire) => void): void {
  onMariaDb((_newStore, server) => {
    tests(async (t, options) => openfire(t, { client: 'mysql', connection: await server().freshDatabase() }, { version: 40, ...options }))
  })
}

export async function sqliteOpenfire(t: TestContext, options: OpenfireOptions): Promise<OpenfireStore> {
  return openfire(t, { client: 'sqlite', filename: join(await temporaryFolder(t), 'openfire.sqlite') }, options)
}

async function openfire(t: TestContext, given: OpenfireStore['config'], options: OpenfireOptions): Promise<OpenfireStore> {
  const { database: config } = loadConfig({ env: {}, overrides: { database: given } })
  const engine = await openEngine(config)
  t.after(() => engine.close())
  const users = await fillOpenfire(engine.knex, engine.client, options)
  return {
    config: given,
    users,
    knex: engine.knex,
    client: engine.client,
    async open() {
      const database = await openDatabase(config, '/nowhere', silentLogger)
      t.after(() => database.close())
      return database
    },
  }
}

function openEngine(config: DatabaseConfig): Promise<Engine> {
  if (config.client === 'mysql') return openMysql(config, silentLogger)
  return openSqlite({ filename: config.filename ?? '', survivesPowerLoss: false }, silentLogger)
}
