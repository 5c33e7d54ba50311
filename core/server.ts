/** The only file that knows all parts of the server, and joins them. */
import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { SecureContext } from 'node:tls'
import { type Accounts, type AnyPlugin, Jid, type Logger, type Sessions } from '@beaconfire/plugin-sdk'
import { AdminServer } from './admin/admin-server.js'
import { MetricsRegistry } from './admin/metrics.js'
import { AccountStore, accountTables } from './auth/account-store.js'
import { AdminList, parseAdmins } from './auth/admin-list.js'
import { SecurityAudit, securityAuditTables } from './auth/security-audit.js'
import { ClientConnections } from './client-connections.js'
import { type NamedListener, openClientListeners } from './client-listeners.js'
import { CommandRegistry } from './command-registry.js'
import type { ServerConfig } from './config/server-config.js'
import { openDatabase, type ServerDatabase } from './database/database.js'
import { Delivery } from './delivery/delivery.js'
import { RemoteRoutes } from './delivery/remote-routes.js'
import { warnWithoutJournal } from './durability-watch.js'
import { InternalSession } from './internal-session.js'
import { loadTls } from './net/tls-context.js'
import { FlightRecorder } from './pipeline/flight-recorder.js'
import { HookRegistry } from './pipeline/hooks.js'
import { InterceptorChain } from './pipeline/interceptor-chain.js'
import { PinnedTables } from './pipeline/pinned-tables.js'
import { PluginHost } from './plugin-host/plugin-host.js'
import type { PluginControl } from './plugin-host/registries.js'
import { GiveBack } from './router/give-back.js'
import { IqDispatcher } from './router/iq-dispatcher.js'
import { LocalDelivery } from './router/local-delivery.js'
import { PacketRouter } from './router/packet-router.js'
import { PluginDomains } from './router/plugin-domains.js'
import { measureServer, mountAdminRoutes } from './server-admin.js'
import { type ConfigurationSources, configureServer, type ServerConfiguration } from './server-configuration.js'
import { DiscoveryRegistry, registriesOf } from './server-registries.js'
import { AnonymousUsers } from './session/anonymous-users.js'
import type { ClientSession } from './session/client-session.js'
import { SessionRegistry } from './session/session-registry.js'
import { COMPILED_PLUGINS, pluginAsValue, SHIPPED_PLUGINS } from './shipped-plugins.js'
import type { Negotiation } from './stream/negotiation.js'
import { StreamFeatureRegistry } from './stream/stream-features.js'

export interface ServerOptions extends ConfigurationSources {
  /** Plugins given as values, shipped ones also by name: then these alone are loaded, and no folder is looked at. */
  readonly plugins?: readonly (AnyPlugin | string)[]
  /** Lays something over the database that core and plugins are given: how tests make it slow or let it fail. Migrations pass below. */
  readonly overDatabase?: (database: ServerDatabase) => ServerDatabase
}

export interface RunningServer {
  readonly config: ServerConfig
  readonly log: Logger
  readonly ports: { readonly c2s: number; readonly directTls: number | undefined; readonly admin: number }
  readonly adminUrl: string
  /** The admin token made at this start, when none was configured or made before. */
  readonly firstStartToken: string | undefined
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly plugins: PluginControl
  readonly database: ServerDatabase
  /** Ends streams with `system-shutdown`, stops plugins, flushes what is to be written, closes the listeners. */
  stop(): Promise<void>
}

/**
 * Starts a server and resolves when all its listeners accept.
 * @throws ConfigError; the error of a listener that cannot be opened, or of a database that cannot be used
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  return new Server(await configureServer(options)).start(options)
}

class Server {
  readonly #config: ServerConfig
  readonly #configuration: ServerConfiguration
  readonly #log: Logger
  readonly #domain: Jid
  readonly #internal: InternalSession
  readonly #tables = new PinnedTables()
  readonly #chain: InterceptorChain
  readonly #hooks: HookRegistry
  readonly #recorder: FlightRecorder
  readonly #iq: IqDispatcher
  readonly #streamFeatures = new StreamFeatureRegistry()
  readonly #domains: PluginDomains
  readonly #discovery: DiscoveryRegistry
  readonly #commands = new CommandRegistry()
  readonly #configuredAdmins: readonly Jid[]
  readonly #sessions = new SessionRegistry<ClientSession, Negotiation>()
  readonly #delivery: Delivery
  readonly #anonymous: AnonymousUsers | undefined
  /** All listeners accept, and none has been told to stop. */
  #isReady = false
  #stopping: Promise<void> | undefined

  constructor(configuration: ServerConfiguration) {
    const { config, log } = configuration
    this.#configuration = configuration
    this.#config = config
    this.#log = log
    this.#domain = Jid.of(undefined, config.domain)
    this.#configuredAdmins = parseAdmins(config.admins)
    this.#internal = new InternalSession(this.#domain, log)
    this.#chain = new InterceptorChain(log, this.#tables)
    this.#hooks = new HookRegistry(log, this.#tables)
    this.#recorder = new FlightRecorder((watch) => {
      this.#chain.watch(watch)
      this.#hooks.watch(watch)
    })
    this.#iq = new IqDispatcher(log, this.#tables)
    this.#domains = new PluginDomains(this.#domain, log, this.#tables)
    this.#discovery = new DiscoveryRegistry(this.#domains)
    this.#delivery = new Delivery(this.#chain, this.#internal, log)
    if (!config.c2s.anonymous) return
    this.#anonymous = new AnonymousUsers(this.#domain)
    this.#chain.add('core', this.#anonymous.interceptor())
    this.#hooks.add('core', this.#anonymous.hooks())
  }

  async start({ plugins: given, overDatabase = (it) => it }: ServerOptions): Promise<RunningServer> {
    const builtIn = given && (await Promise.all(given.map(pluginAsValue)))
    const { c2s, dataFolder, database: databaseConfig } = this.#config
    await mkdir(dataFolder, { recursive: true })
    const [opened, tls] = await Promise.all([
      openDatabase(databaseConfig, dataFolder, this.#log, this.#config.durability),
      c2s.tls === 'disabled'
        ? undefined
        : loadTls({
            keyFile: c2s.tlsKey,
            certificateFile: c2s.tlsCertificate,
            clientCaFile: c2s.tlsClientCa,
            clientCrlFile: c2s.tlsClientRevocations,
            dataFolder,
            domain: this.#domain.domain,
            log: this.#log,
          }),
    ])
    const database = overDatabase(opened)
    await database.migrate('beaconfire', [...accountTables])
    await database.migrate('beaconfire-audit', [...securityAuditTables])
    const admins = await AdminList.open(database.forPlugin('beaconfire'), this.#configuredAdmins, this.#log)
    const accounts = this.#accountStore(database, admins)
    const router = this.#router(this.#anonymous?.among(accounts) ?? accounts)
    const metrics = new MetricsRegistry(this.#log)
    const admin = this.#adminServer(database, metrics)
    const giveBack = new GiveBack({
      domain: this.#domain,
      internal: this.#internal,
      deliver: (message, account, origin) => router.toAccount(message, account, origin),
      route: (stanza) => router.route(stanza),
    })
    const plugins = this.#pluginHost({ giveBack, database, accounts, admins, router, metrics, admin, builtIn })
    const clients = new ClientConnections({
      config: this.#config,
      domain: this.#domain,
      log: this.#log,
      accounts,
      sessions: this.#sessions,
      hooks: this.#hooks,
      iq: this.#iq,
      router,
      delivery: this.#delivery,
      internal: this.#internal,
      giveBack,
      streamFeatures: this.#streamFeatures,
      tls,
      anonymous: this.#anonymous,
    })
    const running: RunningParts = { database, accounts, plugins, admin, clients, listeners: [] }
    try {
      return await this.#open(running, metrics, tls?.context)
    } catch (error) {
      await this.#stop(running)
      throw error
    }
  }

  /** Opens the doors: plugins first, so that nobody meets a server that is half there. */
  async #open(parts: RunningParts, metrics: MetricsRegistry, tls: SecureContext | undefined): Promise<RunningServer> {
    const { c2s } = this.#config
    const { accounts, admin, database, listeners, plugins, clients } = parts
    const version = await packageVersion()
    const own = { chain: this.#chain, delivery: this.#delivery, domain: this.#domain, recorder: this.#recorder, sessions: this.#sessions }
    mountAdminRoutes({ ...own, ...parts, audit: securityAudit(database), host: c2s.host, version })
    measureServer(metrics, { ...own, ...parts })
    await plugins.start()
    if (this.#config.durability === 'strict') warnWithoutJournal(plugins, this.#log)
    await this.#hooks.tell('pluginsStarted', {})
    await clients.start()
    database.separateReads()
    const c2sPorts = await openClientListeners(listeners, { ...c2s, tls, log: this.#log, accept: (transport) => clients.accept(transport) })
    const { port: adminPort } = await admin.listen()
    this.#isReady = true
    const ports = { ...c2sPorts, admin: adminPort }
    const adminUrl = `http://${this.#config.admin.host.includes(':') ? `[${this.#config.admin.host}]` : this.#config.admin.host}:${adminPort}`
    const running = plugins.list().filter((it) => it.state === 'running')
    this.#log.info({ domain: this.#domain.domain, version, ports, plugins: running.map((it) => it.name) }, 'server started')
    return {
      config: this.#config,
      log: this.#log,
      ports,
      adminUrl,
      firstStartToken: admin.firstStartToken,
      accounts,
      sessions: this.#sessions,
      plugins,
      database,
      stop: () => (this.#stopping ??= this.#stop(parts)),
    }
  }

  /** In reverse: no new peers, streams closed, what they caused settled, plugins stopped, database flushed and closed. */
  async #stop({ admin, database, listeners, plugins, clients }: RunningParts): Promise<void> {
    this.#isReady = false
    this.#recorder.close()
    const closed = listeners.map(({ listener }) => listener.close())
    await clients.stop()
    await plugins.stop() // while connections may still take what plugins have to say
    clients.destroy()
    await Promise.all(closed)
    await admin.close()
    await database.close()
    this.#log.info({}, 'server stopped')
  }

  #accountStore(database: ServerDatabase, admins: AdminList): AccountStore {
    return new AccountStore({
      database: database.forPlugin('beaconfire'),
      domain: this.#domain,
      openfireVersion: database.openfireVersion,
      openfire: this.#config.openfire,
      keepsReadable: this.#config.c2s.readablePasswords,
      log: this.#log,
      onCreated: (user) => this.#hooks.tell('userCreated', { user }),
      onDeleting: async (user) => {
        await admins.forget(user)
        await this.#hooks.tell('userDeleted', { user })
      },
      closeSessions: (user, except) => {
        for (const session of this.#sessions.ofUser(user))
          if (session !== except) session.close('not-authorized', 'This account may not be used any more.')
      },
    })
  }

  #router(accounts: Pick<Accounts, 'exists'>): PacketRouter {
    const local = new LocalDelivery({ sessions: this.#sessions, hooks: this.#hooks, accounts, allResources: this.#config.route.allResources })
    return new PacketRouter({
      domain: this.#domain,
      internal: this.#internal,
      tables: this.#tables,
      chain: this.#chain,
      hooks: this.#hooks,
      iq: this.#iq,
      local,
      domains: this.#domains,
      remoteRoutes: new RemoteRoutes(),
      accounts,
      log: this.#log,
    })
  }

  #adminServer(database: ServerDatabase, metrics: MetricsRegistry): AdminServer {
    const { admin, dataFolder } = this.#config
    return new AdminServer({
      ...admin,
      domain: this.#domain.domain,
      dataFolder,
      log: this.#log,
      audit: securityAudit(database),
      metricsText: () => metrics.text(),
      isReady: () => this.#isReady,
    })
  }

  #pluginHost({ giveBack, database, accounts, admins, router, metrics, admin, builtIn }: PluginHostParts): PluginHost {
    const { plugins, dataFolder, limits } = this.#config
    return new PluginHost({
      folders: builtIn ? [] : [SHIPPED_PLUGINS, ...plugins.folders],
      compiled: COMPILED_PLUGINS,
      builtIn: builtIn ?? [],
      disabled: plugins.disabled,
      settings: plugins.settings,
      watch: plugins.watch,
      uploads: builtIn ? undefined : plugins.folders[0],
      trustedKeys: plugins.trustedKeys,
      registries: registriesOf({
        tables: this.#tables,
        chain: this.#chain,
        hooks: this.#hooks,
        iq: this.#iq,
        streamFeatures: this.#streamFeatures,
        discovery: this.#discovery,
        domains: this.#domains,
        commands: this.#commands,
        admin,
      }),
      facade: {
        domain: this.#domain,
        accounts,
        sessions: this.#sessions,
        discovery: this.#discovery,
        commands: this.#commands,
        admins,
        audit: securityAudit(database),
        send: (stanza) => router.send(stanza),
        route: (stanza) => router.route(stanza),
        giveBack: (message, account, at) => giveBack.message(message, account, at),
        durability: this.#config.durability,
        registered: (fact) => this.#hooks.tell('userRegistered', fact),
        limitsEnabled: limits.enabled,
      },
      database,
      metrics: (plugin) => metrics.forPlugin(plugin),
      checkConfig: (schema, settings, where) => this.#configuration.pluginSettings(schema, settings, where),
      log: this.#log,
      dataFolder,
    })
  }
}

interface RunningParts {
  readonly database: ServerDatabase
  readonly accounts: AccountStore
  readonly plugins: PluginHost
  readonly admin: AdminServer
  readonly clients: ClientConnections
  readonly listeners: NamedListener[]
}

interface PluginHostParts {
  readonly giveBack: GiveBack
  readonly database: ServerDatabase
  readonly accounts: Accounts
  readonly admins: AdminList
  readonly router: PacketRouter
  readonly metrics: MetricsRegistry
  readonly admin: AdminServer
  readonly builtIn: readonly AnyPlugin[] | undefined
}

function securityAudit(database: ServerDatabase): SecurityAudit {
  return new SecurityAudit(database.forPlugin('beaconfire-audit'), hostname())
}

async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('./package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
