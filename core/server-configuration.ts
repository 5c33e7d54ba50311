/** The configuration a server runs with: what was written for it and, where that says nothing, the system properties of an Openfire installation. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { TSchema } from 'typebox'
import { checkServerConfig } from './config/check-server-config.js'
import { checkPluginSettings, loadConfig, merge, type Overrides, type Tree } from './config/load-config.js'
import { configFromProperties, type OpenfireProperties, settingsFromProperties } from './config/openfire-properties.js'
import type { ServerConfig } from './config/server-config.js'
import { openfireProperties } from './database/openfire-properties.js'
import { createLogger } from './log.js'

export interface ConfigurationSources {
  /** Environment variables and, named by them, a file; without it neither is looked at. */
  readonly env?: NodeJS.ProcessEnv
  /** What differs from the defaults, the file and the environment. */
  readonly config?: Overrides<ServerConfig>
  readonly log?: Logger
}

export interface ServerConfiguration {
  readonly config: ServerConfig
  readonly log: Logger
  /** Settings of a plugin with all that is said about them filled in. @param where such as `plugins.settings.chatlog` @throws ConfigError */
  pluginSettings(schema: TSchema, settings: unknown, where: string): unknown
}

/** @throws ConfigError (rejects); the database's error, where it is to be asked; OpenfireUnsupported */
export async function configureServer(sources: ConfigurationSources): Promise<ServerConfiguration> {
  const given = configOf(sources)
  const log = sources.log ?? createLogger(given.log)
  const properties: OpenfireProperties = given.openfire.useProperties ? await openfireProperties(given.database, log) : new Map()
  const refuse = (reason: string) => log.warn({ reason }, 'a system property of Openfire is not honoured')
  return {
    config: properties.size === 0 ? given : withProperties(sources, properties, log, refuse),
    log,
    pluginSettings(schema, settings, where) {
      const { tree, refused } = settingsFromProperties(schema, properties)
      refused.forEach(refuse)
      return checkPluginSettings(schema, settings, where, sources.env ?? {}, tree)
    },
  }
}

function withProperties(sources: ConfigurationSources, properties: OpenfireProperties, log: Logger, refuse: (reason: string) => void): ServerConfig {
  const { tree, taken, refused } = configFromProperties(properties)
  refused.forEach(refuse)
  log.info({ properties: [...taken.values()] }, 'system properties of Openfire stand where the configuration says nothing')
  return configOf(sources, tree)
}

/** @param under comes before the defaults */
function configOf({ env, config: overrides = {} }: ConfigurationSources, under: Tree = {}): ServerConfig {
  return env ? loadConfig({ env, overrides, under }) : checkServerConfig(merge(under, overrides))
}
