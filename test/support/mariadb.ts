/** A real MariaDB for tests: one server a test process, a database of its own for each test. */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { findProgram } from './programs.js'

const PACKAGE = 'mariadb-server'
const START_LIMIT_MS = 60_000

export interface MariaDbConnection {
  readonly socketPath: string
  readonly user: string
  readonly password: string
  readonly database: string
}

/** For the `skip` option of a test: why it cannot run here. Under `CI` it is never skipped, but fails. */
export const mariaDbMissing: string | false =
  findProgram({ name: 'mariadbd' }) || process.env.CI ? false : `mariadbd is missing: apt-get install ${PACKAGE}`

let server: Promise<string> | undefined

/** @returns how to reach a new, empty database; it and its server are gone with the process */
export async function startMariaDb(): Promise<{ readonly connection: MariaDbConnection }> {
  server ??= startServer()
  const account = { socketPath: await server, user: 'root', password: '' }
  const database = `test_${randomBytes(6).toString('hex')}`
  const admin = await createConnection(account)
  await admin.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  await admin.end()
  return { connection: { ...account, database } }
}

/** @returns the path of its socket */
async function startServer(): Promise<string> {
  const [daemon, install] = [programPath('mariadbd'), programPath('mariadb-install-db')]
  const folder = mkdtempSync(join(tmpdir(), 'beaconfire-mariadb-'))
  const [data, socketPath] = [join(folder, 'data'), join(folder, 'socket')]
  const user = `--user=${userInfo().username}`
  const made = spawnSync(install, ['--no-defaults', `--datadir=${data}`, user, '--auth-root-authentication-method=normal', '--skip-test-db'])
  if (made.status !== 0) throw new Error(`mariadb-install-db failed: ${made.stdout}${made.stderr}`)

  const options = [`--datadir=${data}`, user, `--socket=${socketPath}`, `--pid-file=${join(folder, 'pid')}`, '--skip-networking']
  const child = spawn(daemon, ['--no-defaults', ...options, '--innodb-buffer-pool-size=32M'], { stdio: ['ignore', 'ignore', 'pipe'] })
  process.once('exit', () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  await new Promise<void>((resolve, reject) => {
    let output = ''
    const limit = setTimeout(() => reject(new Error(`mariadbd was not ready in time: ${output}`)), START_LIMIT_MS)
    child.once('exit', () => reject(new Error(`mariadbd ended: ${output}`)))
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (!output.includes('ready for connections')) return
      clearTimeout(limit)
      resolve()
    })
  })
  // The database must not keep the test process alive.
  child.stderr.removeAllListeners('data').resume()
  ;(child.stderr as unknown as { unref(): void }).unref()
  child.unref()
  return socketPath
}

function programPath(name: string): string {
  const path = findProgram({ name })
  if (path === undefined) throw new Error(`${name} is missing: apt-get install ${PACKAGE}`)
  return path
}
