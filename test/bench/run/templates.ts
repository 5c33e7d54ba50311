/** Data folders with accounts in them, made once for each server and copied for each run. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GeneratorRequest, GeneratorResult } from '../generator/request.js'
import type { BenchServer, StartedServer } from '../servers/bench-server.js'

export interface Needs {
  readonly accounts: number
  readonly contacts: number
}

export interface TemplateOptions {
  readonly folder: string
  readonly domain: string
  readonly core: number | undefined
  /** False for a server at an address whose accounts exist. */
  readonly register: boolean
  request(server: StartedServer, workload: GeneratorRequest['workload'], scramKeysFile: string): GeneratorRequest
  generate(request: GeneratorRequest): Promise<GeneratorResult>
  /** Lets whoever is interrupted end the server. */
  started(server: StartedServer): void
}

export class Templates {
  readonly #options: TemplateOptions
  /** Servers that hold enough for this run. */
  readonly #ready = new Map<string, string>()

  constructor(options: TemplateOptions) {
    this.#options = options
  }

  /** Folder with SCRAM keys and, but for a foreign server, data. @throws when the server refuses what is needed */
  async provide(server: BenchServer, needs: Needs): Promise<string> {
    const known = this.#ready.get(server.name)
    if (known) return known
    const folder = this.#folderOf(server)
    const provisioned = join(folder, 'provisioned.json')
    const held: Needs = existsSync(provisioned) ? (JSON.parse(readFileSync(provisioned, 'utf8')) as Needs) : { accounts: 0, contacts: 0 }
    if (held.accounts < needs.accounts || held.contacts < needs.contacts) {
      const wanted = { accounts: Math.max(held.accounts, needs.accounts), contacts: Math.max(held.contacts, needs.contacts) }
      await this.#provision(server, folder, wanted)
      writeFileSync(provisioned, JSON.stringify(wanted))
    }
    this.#ready.set(server.name, folder)
    return folder
  }

  /** A fresh copy, in place of what the last run left. */
  copy(server: BenchServer, folder: string): void {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    if (!server.isForeign) cpSync(this.#folderOf(server), folder, { recursive: true, preserveTimestamps: true })
  }

  /** Data of earlier versions of the same server is thrown away: they are of no more use. */
  #folderOf(server: BenchServer): string {
    const safe = (text: string) => text.replaceAll(/[^\w.+-]/g, '_')
    const mine = `${safe(server.name)}=${safe(server.dataVersion())}=${safe(this.#options.domain)}`
    mkdirSync(this.#options.folder, { recursive: true })
    for (const other of readdirSync(this.#options.folder)) {
      if (other !== mine && other.startsWith(`${safe(server.name)}=`)) rmSync(join(this.#options.folder, other), { recursive: true, force: true })
    }
    const folder = join(this.#options.folder, mine)
    mkdirSync(folder, { recursive: true })
    return folder
  }

  async #provision(server: BenchServer, folder: string, { accounts, contacts }: Needs): Promise<void> {
    const { domain, core, register } = this.#options
    const started = await server.start({ folder, domain, variant: {}, core })
    this.#options.started(started)
    const workload = { kind: 'provision', register, accounts, contacts, concurrency: 20 } as const
    const request = this.#options.request(started, workload, join(folder, 'scram-keys.json'))
    const result = await this.#options.generate(request).finally(() => started.stop())
    if (!result.ok) throw new Error(`${server.name} could not be provided with accounts: ${result.error}`)
  }
}
