/** Declares the same tests for each database that the server runs on: SQLite, and a MariaDB of their own. */
import { after, before, describe, test } from 'node:test'
import { isMariaDbInstalled, MARIADB_MISSING, type MariaDb, startMariaDb } from './mariadb.js'
import type { TestConfig } from './test-server.js'

/** An empty database each time, as `startTestServer` takes it. */
export type NewDatabase = () => Promise<NonNullable<TestConfig['database']>>

/** `tests` declares tests. Where MariaDB is missing they are skipped on it, or fail under CI. */
export function onBothEngines(tests: (newDatabase: NewDatabase, client: 'sqlite' | 'mysql') => void): void {
  describe('on SQLite', () => tests(async () => ({}), 'sqlite')) // a file in the data folder of each server
  onMariaDb((newDatabase) => tests(newDatabase, 'mysql'))
}

/** @param tests as with {@link onBothEngines}; its `server` is there while they run */
export function onMariaDb(tests: (newDatabase: NewDatabase, server: () => MariaDb) => void): void {
  if (!isMariaDbInstalled() && !process.env.CI) {
    test('on MariaDB', { skip: MARIADB_MISSING }) // a suite that is skipped is counted nowhere
    return
  }
  describe('on MariaDB', () => {
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
    tests(async () => ({ client: 'mysql', connection: await running().freshDatabase() }), running)
  })
}
