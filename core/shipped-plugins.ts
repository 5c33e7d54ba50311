/** The plugins that come with the server: where they are, and each of them by its name. */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { AnyPlugin } from '@beaconfire/plugin-sdk'
import { CompiledPlugins } from './plugin-host/compiled-plugins.js'
import { findPlugin, isProblem } from './plugin-host/find-plugins.js'
import { PluginMissing } from './plugin-host/registries.js'

/** undefined when the server runs from its sources. */
export const COMPILED_PLUGINS = CompiledPlugins.beside(import.meta.url)
/** Their folder, which is watched. */
export const SHIPPED_PLUGINS = COMPILED_PLUGINS?.sources ?? fileURLToPath(new URL('../plugins', import.meta.url))

/** @param given a plugin, or the name of a shipped one: what its module exports, the same each time @throws (rejects) PluginMissing */
export async function pluginAsValue(given: AnyPlugin | string): Promise<AnyPlugin> {
  if (typeof given !== 'string') return given
  const found = await findPlugin(join(SHIPPED_PLUGINS, given), '') // none of them is packed
  if (!found || isProblem(found)) throw new PluginMissing(`the server ships no plugin "${given}"`)
  const { entry } = COMPILED_PLUGINS?.of(found) ?? found
  const module = (await import(pathToFileURL(entry).href)) as { readonly default: AnyPlugin }
  return module.default
}
