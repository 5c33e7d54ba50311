/** Loads one version of a plugin, with all that can be looked at and nothing that acts, as a shadow on a live server has it. */
import { type Accounts, type AnyPlugin, type Database, Jid, type Migration, type ServiceName } from '@beaconfire/plugin-sdk'
import { AccountStore, accountTables } from '../../auth/account-store.js'
import { AdminList, parseAdmins } from '../../auth/admin-list.js'
import { checkPluginSettings } from '../../config/load-config.js'
import { openDatabase } from '../../database/database.js'
import { silentLogger } from '../../log.js'
import { findPlugin, findPlugins, isProblem } from '../../plugin-host/find-plugins.js'
import { loadPlugin } from '../../plugin-host/load-plugin.js'
import type { ContextParts, PluginDatabases } from '../../plugin-host/plugin-context.js'
import type { VersionParts } from '../../plugin-host/plugin-version.js'
import type { ServerFacade } from '../../plugin-host/registries.js'
import { shadowParts } from '../../plugin-host/shadow-context.js'
import { ShadowVersions } from '../../plugin-host/shadow-versions.js'
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
  migrate(owner: string, migrations: readonly Migration[]): Promise<unknown>
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
  const providers = new Providers(request)
  const versions = new ShadowVersions({
    parts,
    providerOf: (service) => providers.of(service),
    before: ({ name, tables }) => source.migrate(name, tables ?? []),
  })
  const version = await versions.start(definition)
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

/** Of the plugins in the server's folders. */
class Providers {
  readonly #request: VersionRequest
  #found: Promise<readonly AnyPlugin[]> | undefined

  constructor(request: VersionRequest) {
    this.#request = request
  }

  async of(service: ServiceName): Promise<AnyPlugin> {
    this.#found ??= this.#definitions()
    const provider = (await this.#found).find((it) => it.provides?.includes(service))
    if (!provider) throw new Error(`requires service "${service}", which no plugin in ${this.#request.pluginFolders.join(', ')} provides`)
    return provider
  }

  async #definitions(): Promise<AnyPlugin[]> {
    const definitions: AnyPlugin[] = []
    for (const found of await findPlugins(this.#request.pluginFolders, this.#request.cache)) {
      if (isProblem(found) || found.name === this.#request.name) continue
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
  return {
    ...shadow,
    facade: { ...shadow.facade, sessions },
    registries: undefined as never, // nothing is registered
    ports: { prepare: async () => undefined },
  }
}
