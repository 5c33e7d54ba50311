/** Loads one version of a plugin, with all that can be looked at and nothing that acts, as a shadow on a live server has it. */
import { type Accounts, type AnyPlugin, type Database, Jid, type Migration, type ServiceName, type Services } from '@beaconfire/plugin-sdk'
import { AccountStore, accountTables } from '../../auth/account-store.js'
import { AdminList, parseAdmins } from '../../auth/admin-list.js'
import { checkPluginSettings } from '../../config/load-config.js'
import { openDatabase } from '../../database/database.js'
import { silentLogger } from '../../log.js'
import { findPlugin, findPlugins, isProblem } from '../../plugin-host/find-plugins.js'
import { loadPlugin } from '../../plugin-host/load-plugin.js'
import type { ContextParts, PluginDatabases } from '../../plugin-host/plugin-context.js'
import { PluginVersion, type VersionParts } from '../../plugin-host/plugin-version.js'
import type { ServerFacade } from '../../plugin-host/registries.js'
import { ShadowDenied, shadowParts } from '../../plugin-host/shadow-context.js'
import type { VersionSummary } from './passage.js'
import { openReadOnly } from './read-only-database.js'
import { RecordedSessions } from './recorded-sessions.js'
import { RehearsedVersion } from './rehearsed-version.js'
import type { LoadedVersion, VersionRequest } from './version-messages.js'

export interface RunningVersion {
  readonly loaded: LoadedVersion
  readonly rehearsed: RehearsedVersion
  end(): Promise<VersionSummary>
}

interface Source {
  readonly database: Database
  /** Of tables in memory alone: those of the server are not touched. */
  migrate(owner: string, migrations: readonly Migration[]): Promise<void>
  close(): Promise<void>
}

/** @throws PluginLoadFailed and whatever the version throws, with what to do about it */
export async function loadVersion(request: VersionRequest): Promise<RunningVersion> {
  const found = await findPlugin(request.source, request.cache)
  if (!found) throw new Error(`there is no plugin in ${request.source}: it needs package.json and index.ts or index.js`)
  if (isProblem(found)) throw new Error(found.message)
  const definition = await loadPlugin({ ...found, name: request.name })
  const source = await openSource(request)
  const denied: Record<string, number> = {}
  const sessions = new RecordedSessions((what) => onDenied(what))
  let rehearsed: RehearsedVersion | undefined
  const onDenied = (what: string) => {
    denied[what] = (denied[what] ?? 0) + 1
    rehearsed?.denied(what)
  }
  const parts = versionParts(request, source, sessions, await facadeOf(request, source.database, sessions), onDenied)
  const notes = await notesOn(definition, request, source)
  const versions = new Versions(request, source, parts)
  const version = await versions.started(definition)
  if (version.interceptors.length === 0) throw new Error('it has no interceptors: there is nothing to rehearse')
  rehearsed = new RehearsedVersion(version.interceptors, sessions)
  const running = rehearsed
  return {
    loaded: {
      version: definition.version,
      folder: request.source,
      interceptors: version.interceptors.map((it) => it.name),
      notes: [...notes, ...versions.notes],
    },
    rehearsed: running,
    async end() {
      await versions.stop()
      await source.close()
      return { times: running.times(), denied }
    },
  }
}

/** The plugin, and those that provide what it requires. */
class Versions {
  readonly #request: VersionRequest
  readonly #source: Source
  readonly #parts: VersionParts
  readonly #started: PluginVersion[] = []
  /** What whoever reads the report should know. */
  readonly notes: string[] = []
  #others: readonly AnyPlugin[] | undefined

  constructor(request: VersionRequest, source: Source, parts: VersionParts) {
    this.#request = request
    this.#source = source
    this.#parts = parts
  }

  async started(definition: AnyPlugin, dependents: readonly string[] = []): Promise<PluginVersion> {
    if (dependents.includes(definition.name))
      throw new Error(`plugins require each other in a circle: ${[...dependents, definition.name].join(', ')}`)
    const services: Partial<Record<ServiceName, unknown>> = {}
    for (const service of definition.requires ?? []) services[service] = await this.#service(service, [...dependents, definition.name])
    await this.#source.migrate(definition.name, definition.tables ?? [])
    const version = await PluginVersion.prepare(definition, this.#parts, services as Partial<Services>)
    this.#started.push(version)
    try {
      await version.start(undefined)
    } catch (error) {
      if (!(error instanceof Error && error.cause instanceof ShadowDenied)) throw error
      // Its interceptors are there: what it prepares for itself may not be.
      this.notes.push(`plugin "${definition.name}" wanted to act when it was started (${error.cause.message}): the rest of its start was left out`)
    }
    return version
  }

  async stop(): Promise<void> {
    for (const version of this.#started.reverse()) await version.stop()
  }

  async #service(service: ServiceName, dependents: readonly string[]): Promise<unknown> {
    const known = this.#started.find((it) => it.service(service) !== undefined)
    if (known) return known.service(service)
    this.#others ??= await this.#definitions(dependents[0] as string)
    const provider = this.#others.find((it) => it.provides?.includes(service))
    if (!provider) throw new Error(`requires service "${service}", which no plugin in ${this.#request.pluginFolders.join(', ')} provides`)
    return (await this.started(provider, dependents)).service(service)
  }

  async #definitions(except: string): Promise<AnyPlugin[]> {
    const definitions: AnyPlugin[] = []
    for (const found of await findPlugins(this.#request.pluginFolders, this.#request.cache)) {
      if (isProblem(found) || found.name === except) continue
      // One that cannot be loaded provides nothing; whoever needs it is told so.
      definitions.push(
        ...(await loadPlugin(found).then(
          (it) => [it],
          () => [],
        )),
      )
    }
    return definitions
  }
}

async function openSource({ database }: VersionRequest): Promise<Source> {
  if (database) {
    const opened = await openReadOnly({ database: database.config, dataFolder: database.dataFolder })
    return { database: opened.database, migrate: async () => undefined, close: opened.close }
  }
  const memory = { client: 'sqlite', filename: ':memory:', connection: {}, poolSize: 2 } as unknown as Parameters<typeof openDatabase>[0]
  const opened = await openDatabase(memory, '.', silentLogger, 'fast')
  await opened.migrate('beaconfire', [...accountTables])
  return { database: opened.forPlugin('rehearsal'), migrate: (owner, migrations) => opened.migrate(owner, migrations), close: () => opened.close() }
}

/** Tables are those of the version that serves: the changed one may want others. */
async function notesOn({ name, tables }: AnyPlugin, { database }: VersionRequest, source: Source): Promise<string[]> {
  if (!database || !tables?.length) return []
  const row = (await source.database.knex('ofVersion').where({ name }).first('version')) as { version: number } | undefined
  const [present, wanted] = [Number(row?.version ?? 0), Math.max(...tables.map((it) => it.version))]
  if (present === wanted) return []
  return [`its tables are of version ${wanted}, those of the database of version ${present}: nothing was changed, and what it reads may be missing`]
}

async function facadeOf({ domain, admins, limitsEnabled }: VersionRequest, database: Database, sessions: RecordedSessions): Promise<ServerFacade> {
  const jid = Jid.of(undefined, domain)
  const nothing = () => undefined
  const accounts: Accounts = new AccountStore({ database, domain: jid, onCreated: nothing, onDeleting: nothing, closeSessions: nothing })
  return {
    domain: jid,
    accounts,
    sessions,
    discovery: { features: () => [], identities: () => [], domains: () => [], providers: () => [], revision: 0 },
    commands: { list: () => [], find: nothing },
    admins: await AdminList.open(database, parseAdmins(admins), silentLogger),
    audit: { record: async () => undefined },
    send: nothing,
    route: nothing,
    giveBack: async () => undefined,
    durability: 'fast',
    registered: nothing,
    limitsEnabled,
  }
}

function versionParts(
  { settings }: VersionRequest,
  source: Source,
  sessions: RecordedSessions,
  facade: ServerFacade,
  onDenied: (what: string) => void,
): VersionParts {
  const databases: PluginDatabases = { forPlugin: () => source.database, migrate: async () => undefined }
  const parts: ContextParts = {
    facade,
    database: databases,
    metrics: () => ({ metrics: { counter: () => ({ increment: () => undefined }), gauge: () => undefined }, dispose: () => undefined }),
    settings,
    checkConfig: (schema, value, where) => checkPluginSettings(schema, value, where, process.env),
    log: silentLogger,
  }
  const shadow = shadowParts(parts, onDenied)
  const refuse = (what: string) => async () => {
    onDenied(what)
    throw new ShadowDenied(what)
  }
  const { admins } = facade
  const readOnlyAdmins = {
    has: (user: Jid) => admins.has(user),
    list: () => admins.list(),
    configured: admins.configured,
    replace: refuse('admins.replace'),
  }
  return {
    ...shadow,
    facade: { ...shadow.facade, sessions, admins: readOnlyAdmins, audit: { record: refuse('audit.record') }, giveBack: refuse('giveBack') },
    registries: undefined as never, // nothing is registered
    ports: { prepare: async () => undefined },
  }
}
