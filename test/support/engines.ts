/** Runs the same tests on SQLite and on a MariaDB of their own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext } from 'node:test'
import { loadConfig } from '../../core/config/load-config.js'
import { openDatabase, type ServerDatabase } from '../../core/database/database.js'
import { silentLogger } from '../../core/log.js'
import { isMariaDbInstalled, MARIADB_MISSING, type MariaDb, startMariaDb } from './mariadb.js'

/** One place for data, which can be opened several times, by one test. */
export interface TestStore {
  open(): Promise<ServerDatabase>
}

export type NewStore = (t: TestContext) => Promise<TestStore>

/** `tests` declares tests; each calls `newStore` for an empty database. What it opens is closed after it. */
export function onBothEngines(tests: (newStore: NewStore, client: 'sqlite' | 'mysql') => void): void {
  describe('on SQLite', () => tests(sqliteStore, 'sqlite'))
  onMariaDb((newStore) => tests(newStore, 'mysql'))
}

export function onMariaDb(tests: (newStore: NewStore, server: () => MariaDb) => void): void {
  describe('on MariaDB', { skip: isMariaDbInstalled() || process.env.CI ? false : MARIADB_MISSING }, () => {
    const cleanUps: (() => Promise<void>)[] = []
    let server: MariaDb | undefined
    before(async () => {
      server = await startMariaDb({ after: (cleanUp) => void cleanUps.push(cleanUp) })
    })
    after(async () => {
      for (const cleanUp of cleanUps) await cleanUp()
    })
    const running = () => {
      if (!server) throw new Error('MariaDB is not running')
      return server
    }
    tests((t) => mariaDbStore(t, running()), running)
  })
}

/** A folder that is gone after the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-database-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function sqliteStore(t: TestContext): Promise<TestStore> {
  const folder = await temporaryFolder(t)
  const { database: config } = loadConfig({ env: {} })
  return { open: () => openFor(t, () => openDatabase(config, folder, silentLogger)) }
}

async function mariaDbStore(t: TestContext, server: MariaDb): Promise<TestStore> {
  const { database: config } = loadConfig({ env: {}, overrides: { database: { client: 'mysql', connection: await server.freshDatabase() } } })
  return { open: () => openFor(t, () => openDatabase(config, '/nowhere', silentLogger)) }
}

async function openFor(t: TestContext, open: () => Promise<ServerDatabase>): Promise<ServerDatabase> {
  const database = await open()
  t.after(() => database.close())
  return database
}
