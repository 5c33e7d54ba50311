/** Imports one version of a plugin from its folder and checks that it is one. */
import { relative } from 'node:path'
import type { AnyPlugin } from '@beaconfire/plugin-sdk'
import { withinLimit } from '../pipeline/time-limit.js'
import type { CompiledPlugins } from './compiled-plugins.js'
import type { FoundPlugin } from './find-plugins.js'
import { importAnew, importCompiled } from './generations.js'
import { PluginLoadFailed } from './registries.js'
import { checkSdkVersion } from './sdk-version.js'

const KEBAB_CASE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

export function isPluginName(name: string): boolean {
  return KEBAB_CASE.test(name)
}

/**
 * @param compiled plugins that were compiled beforehand; undefined where the server runs from its sources
 * @throws PluginLoadFailed that names the plugin, the file and line where known, and what to do
 */
export async function loadPlugin(found: FoundPlugin, compiled?: CompiledPlugins): Promise<AnyPlugin> {
  checkSdkVersion(found.name, found.manifest.sdk)
  const modules = compiled?.of(found)
  const { folder, entry } = modules ?? found
  let module: { readonly default?: unknown }
  try {
    module = await withinLimit('the import', () => (modules ? importCompiled(folder, entry) : importAnew(folder, entry)))
  } catch (error) {
    throw loadFailed(found.name, error, folder)
  }
  const wrong = problemOf(module.default, found.name)
  if (wrong !== undefined) throw new PluginLoadFailed(`plugin "${found.name}": ${relative(found.folder, found.entry)}: ${wrong}`)
  return module.default as AnyPlugin
}

/** Wraps what went wrong with a plugin in words for the operator. @param folder where it came from, to point at its own line */
export function loadFailed(plugin: string, error: unknown, folder: string | undefined): PluginLoadFailed {
  if (error instanceof PluginLoadFailed) return error
  const reason = error instanceof Error ? reasonOf(error) : String(error)
  const place = folder !== undefined && error instanceof Error ? placeIn(folder, error) : undefined
  return new PluginLoadFailed(`plugin "${plugin}": ${place === undefined ? '' : `${place}: `}${reason}`, { cause: error })
}

/** esbuild puts `file:line:column: ERROR: what` on the second line of its message. */
function reasonOf(error: Error): string {
  const transform = /ERROR: (.+)/.exec(error.message)
  return transform?.[1] ?? error.message
}

/** The first line of the plugin itself that the error or one of its causes names, as `file:line`. */
function placeIn(folder: string, error: Error): string | undefined {
  for (let it: unknown = error; it instanceof Error; it = it.cause) {
    const text = `${it.message}\n${it.stack ?? ''}`
    for (let at = text.indexOf(folder); at >= 0; at = text.indexOf(folder, at + 1)) {
      const place = /^[/\\]([^\s:?()]+)(?:\?[^\s:()]*)?:(\d+)/.exec(text.slice(at + folder.length, at + folder.length + 500))
      if (place) return `${place[1]}:${place[2]}`
    }
  }
  return undefined
}

function problemOf(plugin: unknown, folderName: string): string | undefined {
  if (typeof plugin !== 'object' || plugin === null) return 'has no plugin as its default export; write `export default definePlugin({ … })`'
  const { name, version, setup, requires, provides, tables } = plugin as Record<string, unknown>
  if (typeof name !== 'string' || !isPluginName(name)) return 'its name must be in kebab-case, such as "my-plugin"'
  if (name !== folderName) return `is named "${name}", but its folder "${folderName}"; make both the same`
  if (typeof version !== 'string' || version === '') return 'has no version; add one, such as version: "1.0.0"'
  if (typeof setup !== 'function') return 'has no setup function; add setup(context) { return { … } }'
  for (const [key, value] of Object.entries({ requires, provides })) {
    if (value !== undefined && !isListOfText(value)) return `${key} must be a list of service names`
  }
  if (tables !== undefined && !Array.isArray(tables)) return 'tables must be a list of migrations'
  return undefined
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((it) => typeof it === 'string')
}
