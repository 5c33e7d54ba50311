/** Reads the configuration: defaults, then one YAML file, then the environment, then what a test overrides. */
import { existsSync, readFileSync } from 'node:fs'
import type { TSchema } from 'typebox'
import { parse, YAMLParseError } from 'yaml'
import { ConfigError, checkConfig, type Path } from './check-config.js'
import { checkServerConfig } from './check-server-config.js'
import { type ServerConfig, serverConfigSchema } from './server-config.js'

export type Tree = Record<string, unknown>

/** A part of the configuration to lay over the rest. Lists are replaced whole. */
export type Overrides<Whole> = unknown extends Whole
  ? Whole
  : Whole extends readonly unknown[]
    ? Whole
    : Whole extends object
      ? { readonly [Key in keyof Whole]?: Overrides<Whole[Key]> }
      : Whole

interface Layer {
  readonly origin: string
  readonly tree: Tree
}

export interface ConfigSources {
  /** That of the process unless given; it names the file. */
  readonly env?: NodeJS.ProcessEnv
  readonly overrides?: Overrides<ServerConfig>
  /** What comes before the defaults, but behind everything that was written for this server. */
  readonly under?: Tree
}

const DEFAULT_FILE = './beaconfire.yaml'

/**
 * The file is the one named by `BEACONFIRE_CONFIG`, or `./beaconfire.yaml` when there is one.
 * @throws ConfigError that names every unknown or wrong key, what is expected, and where it was written
 */
export function loadConfig(sources: ConfigSources = {}): ServerConfig {
  const env = sources.env ?? process.env
  const layers: Layer[] = [
    { origin: 'system properties of Openfire', tree: sources.under ?? {} },
    ...readConfigFile(env),
    { origin: 'the environment', tree: fromEnvironment(serverConfigSchema, 'BEACONFIRE', env) },
    { origin: 'overrides', tree: (sources.overrides ?? {}) as Tree },
  ]
  const merged = layers.reduce<Tree>((under, layer) => merge(under, layer.tree), {})
  const originOf = (path: Path) => layers.findLast((layer) => holds(layer.tree, path))?.origin
  return checkServerConfig(merged, originOf)
}

/**
 * What the environment says about the keys of a schema: `c2s.directTlsPort` is `<prefix>_C2S_DIRECT_TLS_PORT`. Lists are comma
 * separated or JSON; the values are texts still, for {@link checkConfig} to convert. The plugin host calls it with the prefix
 * `BEACONFIRE_PLUGINS_SETTINGS_<NAME>`. A variable without a key is left alone: container platforms set some by the service's name.
 */
export function fromEnvironment(schema: TSchema, prefix: string, env: NodeJS.ProcessEnv): Tree {
  const tree: Tree = {}
  for (const [key, inner] of Object.entries((schema as { properties?: Readonly<Record<string, TSchema>> }).properties ?? {})) {
    const name = `${prefix}_${variableName(key)}`
    const value = env[name]
    if (value !== undefined) tree[key] = value
    else if ('properties' in inner) {
      const below = fromEnvironment(inner, name, env)
      if (Object.keys(below).length > 0) tree[key] = below
    }
  }
  return tree
}

/** `directTlsPort` and `direct-tls-port` are both `DIRECT_TLS_PORT`. */
export function variableName(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase()
}

function readConfigFile(env: NodeJS.ProcessEnv): Layer[] {
  const named = env.BEACONFIRE_CONFIG
  if (!named && !existsSync(DEFAULT_FILE)) return []
  const file = named || DEFAULT_FILE
  const tree = parseFile(file)
  if (tree === null || tree === undefined) return []
  if (typeof tree !== 'object' || Array.isArray(tree)) throw new ConfigError([`${file}: must hold keys and values`])
  return [{ origin: file, tree: tree as Tree }]
}

function parseFile(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof YAMLParseError) throw new ConfigError([`${file}: is no YAML: ${error.message}`])
    throw new ConfigError([`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`])
  }
}

/** Lays `over` on `under`, object by object; lists and values are replaced. */
export function merge(under: Tree, over: Tree): Tree {
  const result = { ...under }
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue
    const below = result[key]
    result[key] = isTree(below) && isTree(value) ? merge(below, value) : value
  }
  return result
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function holds(tree: unknown, path: Path): boolean {
  let at = tree
  for (const key of path) {
    if (!isTree(at)) return Array.isArray(at)
    if (at[key] === undefined) return false
    at = at[key]
  }
  return true
}

/**
 * Checks the settings of a plugin, with what the environment says over them: `chatlog.retentionDays` is
 * `BEACONFIRE_PLUGINS_SETTINGS_CHATLOG_RETENTION_DAYS`.
 * @param where path of the settings, such as `plugins.settings.chatlog`
 * @param under what comes before the defaults, but behind the settings
 * @throws ConfigError
 */
export function checkPluginSettings<Schema extends TSchema>(
  schema: Schema,
  settings: unknown,
  where: string,
  env: NodeJS.ProcessEnv,
  under: Tree = {},
) {
  const prefix = ['BEACONFIRE', ...where.split('.').map(variableName)].join('_')
  return checkConfig(schema, merge(merge(under, settings as Tree), fromEnvironment(schema, prefix, env)), where)
}
