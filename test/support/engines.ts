/** Runs the same tests of what stands below a server on SQLite and on a MariaDB of their own; for plugins on a server the test kit has this. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext } from 'node:test'
import type { MariaDb, TestConfig } from '@beaconfire/plugin-sdk/testing'
import * as testing from '@beaconfire/plugin-sdk/testing'
import { loadConfig } from '../../core/config/load-config.js'
import { openDatabase, type ServerDatabase } from '../../core/database/database.js'
import { silentLogger } from '../../core/log.js'

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
  testing.onMariaDb((newDatabase, server) => {
    tests(async (t) => mariaDbStore(t, await newDatabase()), server)
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

function mariaDbStore(t: TestContext, database: NonNullable<TestConfig['database']>): TestStore {
  const { database: config } = loadConfig({ env: {}, overrides: { database } })
  return { open: () => openFor(t, () => openDatabase(config, '/nowhere', silentLogger)) }
}

async function openFor(t: TestContext, open: () => Promise<ServerDatabase>): Promise<ServerDatabase> {
  const database = await open()
  t.after(() => database.close())
  return database
}
