/** System properties that the shipped plugins honour, by the annotations of their settings. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { AnyPlugin } from '@beaconfire/plugin-sdk'
import { checkPluginSettings } from '../../config/load-config.js'
import { type OpenfireProperties, settingsFromProperties } from '../../config/openfire-properties.js'
import type { ServerConfig } from '../../config/server-config.js'
import type { PropertyReport } from './report.js'

const SHIPPED = new URL('../../../plugins/', import.meta.url)

export interface PluginProperties {
  readonly honoured: readonly PropertyReport[]
  readonly overruled: readonly PropertyReport[]
  /** Properties with a value that is none, in words. */
  readonly refused: readonly string[]
}

/** @throws ConfigError (rejects) when the settings of a plugin are wrong */
export async function pluginProperties(properties: OpenfireProperties, config: ServerConfig, env: NodeJS.ProcessEnv): Promise<PluginProperties> {
  const found = { honoured: [] as PropertyReport[], overruled: [] as PropertyReport[], refused: [] as string[] }
  for (const { name, config: schema } of await shippedPlugins(config.plugins.disabled)) {
    if (!schema) continue
    const { tree, taken, refused } = settingsFromProperties(schema, properties)
    found.refused.push(...refused)
    if (taken.size === 0) continue
    const where = `plugins.settings.${name}`
    const settings = checkPluginSettings(schema, config.plugins.settings[name] ?? {}, where, env, tree) as Record<string, unknown>
    for (const [key, property] of taken) {
      const isHonoured = config.openfire.useProperties && settings[key] === tree[key]
      found[isHonoured ? 'honoured' : 'overruled'].push({ property, key: `${where}.${key}` })
    }
  }
  return found
}

async function shippedPlugins(disabled: readonly string[]): Promise<AnyPlugin[]> {
  const plugins: AnyPlugin[] = []
  for (const name of await readdir(SHIPPED)) {
    const isPlugin = ['ts', 'js'].some((it) => existsSync(new URL(`${name}/index.${it}`, SHIPPED)))
    if (!isPlugin || disabled.includes(name)) continue
    const module = (await import(new URL(`${name}/index.js`, SHIPPED).href)) as { readonly default?: AnyPlugin }
    if (module.default) plugins.push(module.default)
  }
  return plugins
}
