/** Finds the two versions: the changed one where the caller says, the present one where the server would find it. */
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerConfig } from '../../config/server-config.js'
import { CompiledPlugins } from '../../plugin-host/compiled-plugins.js'
import { findPlugin, findPlugins, isProblem } from '../../plugin-host/find-plugins.js'
import { isPluginName } from '../../plugin-host/load-plugin.js'
import { RehearsalImpossible, type RehearsalOptions } from './rehearsal-options.js'

export interface Versions {
  readonly name: string
  /** Folders or packages. */
  readonly old: string
  readonly changed: string
  readonly pluginFolders: readonly string[]
}

/** @throws RehearsalImpossible */
export async function findVersions(options: RehearsalOptions, { plugins }: ServerConfig, cache: string): Promise<Versions> {
  const changed = resolve(options.folder)
  const name = await pluginNameIn(changed, cache)
  const pluginFolders = [shippedPlugins(), ...plugins.folders.map((it) => resolve(it))]
  if (options.against !== undefined) {
    const against = resolve(options.against)
    // A folder of plugins will do as well.
    const inside = await findPlugin(join(against, name), cache).catch(() => undefined)
    return { name, changed, old: inside ? join(against, name) : against, pluginFolders }
  }
  const present = (await findPlugins(pluginFolders, cache)).find((it) => it.name === name)
  if (!present) {
    throw new RehearsalImpossible(`there is no plugin "${name}" in ${pluginFolders.join(', ')}; say which version to compare with by --against`)
  }
  if (isProblem(present)) throw new RehearsalImpossible(present.message)
  return { name, changed, old: present.source, pluginFolders }
}

/** That of its package, as for a packed plugin; else that of the folder, since a folder to develop in may be called anything. */
async function pluginNameIn(source: string, cache: string): Promise<string> {
  await stat(source).catch((error: NodeJS.ErrnoException) => {
    throw new RehearsalImpossible(error.code === 'ENOENT' ? `there is nothing at ${source}` : `${source} cannot be read: ${error.message}`)
  })
  const found = await findPlugin(source, cache)
  if (!found) throw new RehearsalImpossible(`there is no plugin in ${source}: it needs package.json and index.ts or index.js`)
  if (isProblem(found)) throw new RehearsalImpossible(found.message)
  const { name } = JSON.parse(await readFile(join(found.folder, 'package.json'), 'utf8')) as { name?: unknown }
  const ofPackage = typeof name === 'string' ? name.replace(/^@[^/]*\//, '').replace(/^(?:beaconfire-)?plugin-/, '') : ''
  const chosen = isPluginName(ofPackage) ? ofPackage : found.name
  if (!isPluginName(chosen)) throw new RehearsalImpossible(`the plugin in ${source} has no name in kebab-case: give its package.json one`)
  return chosen
}

/** As the server does it. */
function shippedPlugins(): string {
  const server = new URL(`../../server.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
  return CompiledPlugins.beside(server.href)?.sources ?? fileURLToPath(new URL('../plugins', server))
}
