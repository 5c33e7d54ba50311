/** Where the server under test keeps its data, and what can be done to it while the server runs. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMariaDb, type TestConfig, type TestScope } from '@beaconfire/plugin-sdk/testing'
import { SqliteDriver } from '../../core/database/sqlite-driver.mjs'

export type Engine = 'sqlite' | 'mysql'

/** A fault, and its end. */
export interface Fault {
  readonly name: string
  begin(): Promise<void> | void
  end(): Promise<void> | void
}

export interface Storage {
  readonly config: TestConfig['database']
  /** Where the server is to keep its files; in its own folder unless given. */
  readonly dataFolder?: string
  /** One is picked for each round. */
  readonly faults: readonly Fault[]
}

/** More than the database takes for some ten rounds, with what it writes ahead. */
const DISK_MIB = { sqlite: 64, mysql: 256 }
const BLOCK = Buffer.alloc(64 * 1024)
const DATABASE_FILE = 'beaconfire.sqlite'

/** @throws when a program is missing that it needs */
export async function openStorage(scope: TestScope, engine: Engine): Promise<Storage> {
  return engine === 'mysql' ? await mariaDb(scope) : sqlite(scope)
}

async function mariaDb(scope: TestScope): Promise<Storage> {
  const server = await startMariaDb(scope)
  if (!server) throw new Error('MariaDB is not there')
  const killed: Fault = { name: 'MariaDB killed', begin: () => server.kill(), end: () => server.restart() }
  const stopped: Fault = { name: 'MariaDB stopped', begin: () => server.stop(), end: () => server.restart() }
  return { config: { client: 'mysql', connection: server.connection }, faults: [killed, stopped] }
}

function sqlite(scope: TestScope): Storage {
  const dataFolder = temporaryFolder(scope)
  let other: InstanceType<typeof SqliteDriver> | undefined
  const release = () => {
    other?.close()
    other = undefined
  }
  scope.after(async () => release())
  const locked: Fault = {
    name: 'SQLite file locked',
    async begin() {
      other = new SqliteDriver(join(dataFolder, DATABASE_FILE), { timeout: 10_000 })
      other.exec('BEGIN IMMEDIATE')
    },
    end: release,
  }
  return { config: { client: 'sqlite' }, dataFolder, faults: [locked] }
}

/** The database on a file system of its own in memory. @returns undefined where it may not be mounted */
export async function smallDisk(scope: TestScope, engine: Engine): Promise<Storage | undefined> {
  const disk = temporaryFolder(scope)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB[engine]}m`, 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  scope.after(async () => void execFileSync('umount', ['--lazy', disk]))
  const filler = join(disk, 'filler')
  const faults: Fault[] = [{ name: 'disk full', begin: () => fill(filler), end: () => rmSync(filler) }]
  if (engine === 'sqlite') return { config: { client: 'sqlite' }, dataFolder: disk, faults }
  const server = await startMariaDb(scope, disk)
  if (!server) throw new Error('MariaDB is not there')
  return { config: { client: 'mysql', connection: server.connection }, faults }
}

/** Takes all that is left, to the last byte. */
function fill(file: string): void {
  const opened = openSync(file, 'w')
  try {
    for (let size = BLOCK.length; size >= 1; ) {
      try {
        writeSync(opened, BLOCK, 0, size)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size = Math.floor(size / 2)
      }
    }
  } finally {
    closeSync(opened)
  }
}

function temporaryFolder(scope: TestScope): string {
  const folder = mkdtempSync(join(tmpdir(), 'beaconfire-crash-'))
  scope.after(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
