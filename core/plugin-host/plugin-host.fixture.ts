/** A plugin host over temporary folders, with registries that record what is registered. For tests. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { type AnyPlugin, Jid, type Logger } from '@beaconfire/plugin-sdk'
import { checkConfig } from '../config/check-config.js'
import { PluginHost } from './plugin-host.js'
import type { PluginStatus, Registries, Undo } from './registries.js'

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

export class RecordingLog implements Logger {
  readonly lines: LogLine[]
  readonly #fields: object
  constructor(lines: LogLine[] = [], fields: object = {}) {
    this.lines = lines
    this.#fields = fields
  }
  debug(fields: object, message: string): void {
    this.#add('debug', fields, message)
  }
  info(fields: object, message: string): void {
    this.#add('info', fields, message)
  }
  warn(fields: object, message: string): void {
    this.#add('warn', fields, message)
  }
  error(fields: object, message: string): void {
    this.#add('error', fields, message)
  }
  child(fields: object): Logger {
    return new RecordingLog(this.lines, { ...this.#fields, ...fields })
  }
  /** `message plugin` of each line, in order. */
  texts(): string[] {
    return this.lines.map((it) => `${it.message} ${String(it.fields.plugin)}`)
  }
  #add(level: string, fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } })
  }
}

/** Keeps `plugin/thing` of all that is registered at the moment, and how it was after each batch. */
export class RecordingRegistries implements Registries {
  readonly registered: string[] = []
  readonly history: string[][] = []
  /** Refuses what is named like this. */
  refused: string | undefined

  readonly interceptor = (plugin: string, it: { readonly name: string }) => this.#add(`${plugin}/${it.name}`)
  readonly iqHandler = (plugin: string, it: { readonly namespace: string }) => this.#add(`${plugin}/${it.namespace}`)
  readonly preAuthIqHandler = (plugin: string, it: { readonly namespace: string }) => this.#add(`${plugin}/${it.namespace}`)
  readonly hooks = (plugin: string, hooks: object) => this.#add(`${plugin}/${Object.keys(hooks).join()}`)
  readonly streamFeature = (plugin: string) => this.#add(`${plugin}/stream-feature`)
  readonly discovery = (plugin: string, features: readonly string[]) => this.#add(`${plugin}/${features.join()}`)
  readonly domain = (plugin: string, it: { readonly subdomain: string }) => this.#add(`${plugin}/${it.subdomain}`)
  readonly command = (plugin: string, it: { readonly node: string }) => this.#add(`${plugin}/${it.node}`)
  readonly adminRoutes = (plugin: string, routes: readonly { readonly path: string }[]) => this.#add(`${plugin}${routes[0]?.path}`)
  readonly consolePages = (plugin: string, pages: readonly { readonly name: string }[]) => this.#add(`${plugin}/${pages[0]?.name}`)

  async drained(): Promise<boolean> {
    return true
  }
  shadow(): void {}

  arrange(plugins: readonly string[]): void {
    const rank = (thing: string) => plugins.indexOf(thing.split('/', 1)[0] as string)
    this.registered.sort((a, b) => rank(a) - rank(b))
  }

  batch(change: () => void): void {
    try {
      change()
    } finally {
      this.history.push([...this.registered])
    }
  }

  #add(thing: string): Undo {
    if (thing === this.refused) throw new Error(`${thing} is taken`)
    this.registered.push(thing)
    return () => void this.registered.splice(this.registered.indexOf(thing), 1)
  }
}

export interface TestHostOptions {
  readonly watch?: boolean
  readonly disabled?: readonly string[]
  readonly settings?: Record<string, unknown>
  readonly builtIn?: readonly AnyPlugin[]
  readonly folders?: readonly string[]
}

export class TestHost {
  readonly folder: string
  readonly host: PluginHost
  readonly registries = new RecordingRegistries()
  readonly log = new RecordingLog()
  /** Owners whose migrations ran. */
  readonly migrated: string[] = []
  /** Plugins whose metrics are held, once for each version. */
  readonly metrics: string[] = []

  constructor(base: string, options: TestHostOptions) {
    this.folder = join(base, 'plugins')
    const unused = undefined as never
    this.host = new PluginHost({
      folders: [this.folder, ...(options.folders ?? [])],
      disabled: options.disabled ?? [],
      settings: options.settings ?? {},
      watch: options.watch ?? false,
      builtIn: options.builtIn ?? [],
      dataFolder: join(base, 'data'),
      uploads: this.folder,
      registries: this.registries,
      facade: {
        domain: Jid.of(undefined, 'localhost'),
        accounts: unused,
        sessions: unused,
        discovery: { features: () => [], identities: () => [], domains: () => [], providers: () => [], revision: 0 },
        commands: { list: () => [], find: () => undefined },
        admins: unused,
        audit: unused,
        send: () => undefined,
        route: () => undefined,
        giveBack: () => Promise.resolve(),
        durability: 'strict',
        registered: () => undefined,
        limitsEnabled: true,
      },
      database: { forPlugin: () => unused, migrate: async (owner, migrations) => this.#migrate(owner, migrations as readonly { up: unknown }[]) },
      metrics: (plugin) => {
        this.metrics.push(plugin)
        const metrics = { counter: () => ({ increment: () => undefined }), gauge: () => undefined }
        return { metrics, dispose: () => void this.metrics.splice(this.metrics.indexOf(plugin), 1) }
      },
      checkConfig: (schema, value, where) => checkConfig(schema, value, where),
      log: this.log,
    })
  }

  /** Resolves as soon as `holds`, asked now and after each round of changes. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve) => {
      const undo = this.host.onChange(() => {
        if (!holds()) return
        undo()
        resolve()
      })
    })
  }

  status(name: string): PluginStatus {
    const status = this.host.find(name)
    if (!status) throw new Error(`there is no plugin ${name}`)
    return status
  }

  states(): Record<string, string> {
    return Object.fromEntries(this.host.list().map((it) => [it.name, it.state]))
  }

  #migrate(owner: string, migrations: readonly { up: unknown }[]): undefined {
    this.migrated.push(owner)
    if (migrations.some((it) => it.up === 'fails')) throw new Error('no such column: colour')
  }
}

/** Not started yet; stopped and its folders removed with the test. */
export async function testHost(t: TestContext, options: TestHostOptions = {}): Promise<TestHost> {
  const base = await mkdtemp(join(tmpdir(), 'beaconfire-plugin-host-'))
  const it = new TestHost(base, options)
  await mkdir(it.folder)
  t.after(async () => {
    await it.host.stop()
    await rm(base, { recursive: true, force: true })
  })
  return it
}

/** Source of a plugin whose feature is `<name>@<version>`. @param rest more properties of the definition, ending in a comma */
export function pluginSource(name: string, version = '1.0.0', { rest = '', contributions = '', head = '' } = {}): string {
  return `import { definePlugin } from '@beaconfire/plugin-sdk'
${head}
export default definePlugin({
  name: '${name}',
  version: '${version}',
  ${rest}
  setup(context) {
    return { features: ['${version}'], ${contributions} }
  },
})
`
}

/** Writes files of a plugin folder; `package.json` is added unless given. Made beside and moved, so that it appears at once. */
export async function dropIn(folder: string, name: string, files: Readonly<Record<string, string>>): Promise<void> {
  const part = join(folder, `${name}.part`)
  await writeFiles(part, { 'package.json': JSON.stringify({ name, version: '1.0.0', type: 'module' }), ...files })
  await rename(part, join(folder, name))
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}
