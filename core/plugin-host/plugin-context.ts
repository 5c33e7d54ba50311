/** Builds what a plugin is given: its configuration, database, logger, timers, metrics and services, and the server itself. */
import type { AnyPlugin, Database, Logger, Metrics, Migration, PluginContext, Services } from '@beaconfire/plugin-sdk'
import type { TObject, TSchema } from 'typebox'
import type { MigratedTables } from '../database/migrator.js'
import { PluginTimers } from './plugin-timers.js'
import type { ServerFacade } from './registries.js'

/** The server's database as the host needs it. */
export interface PluginDatabases {
  forPlugin(plugin: string): Database
  /**
   * Brings the tables of `owner` up to date.
   * @param served how many steps the version knows that has served on them so far
   * @returns undefined where tables are left alone
   * @throws when a step fails
   */
  migrate(owner: string, migrations: readonly Migration[], served?: number): Promise<MigratedTables | undefined>
}

/** A plugin's metrics and their removal. Two versions of one plugin may hold some at the same time, in a reload. */
export type MetricsSource = (plugin: string) => { readonly metrics: Metrics; readonly dispose: () => void }

/** What contexts are made of. */
export interface ContextParts {
  readonly facade: ServerFacade
  readonly database: PluginDatabases
  readonly metrics: MetricsSource
  /** `plugins.settings` of the configuration, by plugin. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Fills in defaults. @param where path for the message, such as `plugins.settings.chatlog` @throws when the value does not fit */
  checkConfig(schema: TSchema, value: unknown, where: string): unknown
  readonly log: Logger
}

/** A context, with what takes back all it has given. */
export interface OwnedContext {
  readonly context: PluginContext<unknown, keyof Services>
  readonly dispose: () => void
}

/** @throws what `checkConfig` throws, when the plugin's settings are wrong */
export function buildContext(plugin: AnyPlugin, parts: ContextParts, services: Partial<Services>): OwnedContext {
  const { facade } = parts
  const log = parts.log.child({ plugin: plugin.name })
  const config = checkedConfig(plugin.name, plugin.config, parts)
  const timers = new PluginTimers(log)
  const { metrics, dispose } = parts.metrics(plugin.name)
  const context: PluginContext<unknown, keyof Services> = {
    domain: facade.domain,
    config,
    database: parts.database.forPlugin(plugin.name),
    log,
    metrics,
    timers,
    services: services as Services,
    accounts: facade.accounts,
    sessions: facade.sessions,
    discovery: facade.discovery,
    commands: facade.commands,
    admins: facade.admins,
    audit: facade.audit,
    limitsEnabled: facade.limitsEnabled,
    send: (stanza) => facade.send(stanza),
    route: (stanza) => facade.route(stanza),
    giveBack: (message, account, at) => facade.giveBack(message, account, at),
    durability: facade.durability,
    registered: (fact) => facade.registered(fact),
  }
  return {
    context,
    dispose: () => {
      timers.cancelAll()
      dispose()
    },
  }
}

function checkedConfig(plugin: string, schema: TObject | undefined, parts: ContextParts): unknown {
  const value = Object.hasOwn(parts.settings, plugin) ? parts.settings[plugin] : undefined
  return schema ? parts.checkConfig(schema, value ?? {}, `plugins.settings.${plugin}`) : (value ?? {})
}
