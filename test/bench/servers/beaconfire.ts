/** Our server from this work tree. As shipped, except: bound to loopback, plain TCP unless TLS is asked for, no rate limits. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startMariaDb } from '@beaconfire/plugin-sdk/testing'
import type Database from 'better-sqlite3'
import type { BenchServer, Keeper, ServerVariant, StartedServer, StartOptions } from './bench-server.js'
import { certificateIn } from './certificate.js'
import { fillRows, type RowCounts } from './filled-rows.js'
import { writeInterceptorPlugin } from './interceptor-plugin.js'
import { ServerProcess } from './server-process.js'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..')
const SQLITE_DRIVER = new URL('../../../core/database/sqlite-driver.mjs', import.meta.url).href
const TOKEN = 'beaconfire-bench-token'
/** Messages of this run that a plugin keeps. Rows that were filled in have ids below zero; an archive of each side has a message. */
const KEPT: Readonly<Record<Keeper, string>> = {
  chatlog: 'SELECT count(*) AS count FROM ofChatLog WHERE messageID >= 0',
  mam: 'SELECT count(*) / 2 AS count FROM ofMamArchive',
}
const ALL_KEEPERS = Object.keys(KEPT) as Keeper[]
const CHAT_LOG: readonly Keeper[] = ['chatlog']

interface Ports {
  readonly c2s: number
  readonly directTls?: number
  readonly admin: number
}

export class Beaconfire implements BenchServer {
  readonly name = 'beaconfire'
  readonly #durability: 'strict' | 'fast'
  #isCompiled = false

  constructor(durability: 'strict' | 'fast') {
    this.#durability = durability
  }

  version(): string {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    return `${version}, Node ${process.versions.node}`
  }

  /** Changes with the text of any file that makes tables. */
  dataVersion(): string {
    const hash = createHash('sha256')
    for (const file of [...sources('core'), ...sources('plugins')]) {
      const text = readFileSync(file, 'utf8')
      if (/createTable|alterTable|hasTable/.test(text)) hash.update(text)
    }
    return hash.digest('hex').slice(0, 12)
  }

  async start(options: StartOptions): Promise<StartedServer> {
    const { folder, domain, variant, core } = options
    const mariaDb = variant.database ? await startPrivateMariaDb() : undefined
    const file = join(folder, 'beaconfire.yaml')
    writeFileSync(file, JSON.stringify({ ...this.#config(options), ...mariaDb?.config }, undefined, 2)) // JSON is YAML
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BEACONFIRE_')))
    this.#compile()
    if (variant.rows) await this.#fill(options, variant.rows)
    const server = new ServerProcess({
      command: [process.execPath, 'dist/core/main.js'],
      folder,
      cwd: ROOT,
      env: { ...env, BEACONFIRE_CONFIG: file },
      core,
    })
    const ports = await server.until(async () => portsIn(server.output()))
    const port = variant.tls ? ports.directTls : ports.c2s
    if (variant.recorder !== undefined) await armRecorder(ports.admin, variant.recorder)
    if (mariaDb && options.accounts) await createAccounts(ports.admin, options.accounts)
    if (!port) throw new Error(`the server opened no port for this scenario: ${JSON.stringify(ports)}`)
    return {
      target: { address: '127.0.0.1', port, domain, tls: variant.tls ?? false },
      pid: server.pid,
      metrics: { url: `http://127.0.0.1:${ports.admin}/metrics`, token: TOKEN },
      async stop() {
        await server.stop()
        await mariaDb?.end()
      },
    }
  }

  /** Once for all rounds: what runs is what `npm start` runs. */
  #compile(): void {
    if (!this.#isCompiled) execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: ROOT, stdio: 'inherit' })
    this.#isCompiled = true
  }

  archived(folder: string, { keepers = CHAT_LOG }: ServerVariant): Promise<number> {
    return withTables(folder, (database) => Math.min(...keepers.map((it) => (database.prepare(KEPT[it]).get() as { count: number }).count)))
  }

  /** The data that is copied knows no table of a plugin that was off when it was made: the server makes them before they are filled. */
  async #fill(options: StartOptions, rows: RowCounts): Promise<void> {
    const { rows: _, ...variant } = options.variant
    const once = await this.start({ ...options, variant })
    await once.stop()
    await withTables(options.folder, (database) => fillRows(database, rows, options.domain))
  }

  #config({ folder, domain, variant }: StartOptions): object {
    const certificate = variant.tls ? certificateIn(folder, domain) : undefined
    const tls = certificate
      ? { directTlsPort: -1, tls: 'optional', tlsKey: certificate.key, tlsCertificate: certificate.certificate }
      : { directTlsPort: 0, tls: 'disabled' }
    const ownPlugins = join(folder, 'no-plugins')
    mkdirSync(ownPlugins, { recursive: true })
    return {
      domain,
      dataFolder: join(folder, 'data'),
      durability: variant.durability ?? this.#durability,
      c2s: { host: '127.0.0.1', port: 0, plainWithoutTls: true, ...tls },
      admin: { host: '127.0.0.1', port: 0, token: TOKEN },
      limits: variant.limits ?? { enabled: false },
      plugins: {
        folders: [variant.interceptors ? writeInterceptorPlugin(folder, variant.interceptors) : ownPlugins],
        disabled: ALL_KEEPERS.filter((it) => !variant.archive || !(variant.keepers ?? CHAT_LOG).includes(it)),
      },
    }
  }
}

/** Of a server that does not run. */
async function withTables<Result>(folder: string, work: (database: Database.Database) => Result): Promise<Result> {
  // By its address: the file chooses a build for this Node at run time, and has no types.
  const { SqliteDriver } = (await import(SQLITE_DRIVER)) as { SqliteDriver: typeof Database }
  const database = new SqliteDriver(join(folder, 'data', 'beaconfire.sqlite'))
  try {
    return work(database)
  } finally {
    database.close()
  }
}

async function startPrivateMariaDb() {
  const cleanUps: (() => Promise<void>)[] = []
  const server = await startMariaDb({ after: (cleanUp) => void cleanUps.push(cleanUp) })
  if (!server) throw new Error('MariaDB is not there')
  const end = async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp()
  }
  return { config: { database: { client: 'mysql', connection: server.connection } }, end }
}

async function createAccounts(adminPort: number, { prefix, password, count }: NonNullable<StartOptions['accounts']>): Promise<void> {
  for (let at = 0; at < count; at++) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/api/v1/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ username: `${prefix}${at}`, password }),
    })
    if (!answer.ok) throw new Error(`an account cannot be made: ${await answer.text()}`)
  }
}

async function armRecorder(adminPort: number, rate: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/v1/recorder`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ rate }),
  })
  if (!answer.ok) throw new Error(`the flight recorder cannot be armed: ${await answer.text()}`)
}

/** The server's own line once all its listeners accept. */
function portsIn(output: string): Ports | undefined {
  const line = /^ready (\{.*\})$/m.exec(output)?.[1]
  return line ? (JSON.parse(line) as Ports) : undefined
}

function sources(folder: string): string[] {
  const path = join(ROOT, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((it) => it.endsWith('.ts') && !it.endsWith('.test.ts') && !it.includes('node_modules'))
    .sort()
    .map((it) => join(path, it))
}
