/** Data folders with accounts in them, made once for each server and copied for each run. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GeneratorRequest, GeneratorResult } from '../generator/request.js'
import type { BenchServer, StartedServer } from '../servers/bench-server.js'

export interface Needs {
  readonly accounts: number
  /** Of the first account: exactly as many, for each is more work at the logins. */
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
  /** Folders that hold enough for this run. */
  readonly #ready = new Set<string>()

  constructor(options: TemplateOptions) {
    this.#options = options
  }

  /** Folder with SCRAM keys and, but for a foreign server, data. @throws when the server refuses what is needed */
  async provide(server: BenchServer, needs: Needs): Promise<string> {
    const folder = this.#folderOf(server, needs)
    if (this.#ready.has(folder)) return folder
    const provisioned = join(folder, 'provisioned.json')
    const held = existsSync(provisioned) ? (JSON.parse(readFileSync(provisioned, 'utf8')) as Needs).accounts : 0
    if (held < needs.accounts) {
      await this.#provision(server, folder, needs)
      writeFileSync(provisioned, JSON.stringify(needs))
    }
    this.#ready.add(folder)
    return folder
  }

  /** A fresh copy of what was provided, in place of what the last run left. */
  copy(server: BenchServer, template: string, folder: string): void {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    if (!server.isForeign) cpSync(template, folder, { recursive: true, preserveTimestamps: true })
  }

  /** Data of earlier versions of the same server is thrown away: they are of no more use. */
  #folderOf(server: BenchServer, { contacts }: Needs): string {
    const safe = (text: string) => text.replaceAll(/[^\w.+-]/g, '_')
    const ofServer = `${safe(server.name)}=`
    const ofVersion = `${ofServer}${safe(server.dataVersion())}=${safe(this.#options.domain)}=`
    mkdirSync(this.#options.folder, { recursive: true })
    for (const other of readdirSync(this.#options.folder)) {
      if (other.startsWith(ofServer) && !other.startsWith(ofVersion)) rmSync(join(this.#options.folder, other), { recursive: true, force: true })
    }
    const folder = join(this.#options.folder, `${ofVersion}${contacts}`)
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
