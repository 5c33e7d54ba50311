/** Whether a plugin was written for the SDK of this server. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { satisfies, validRange } from 'semver'
import { PluginLoadFailed } from './registries.js'

const SDK = '@beaconfire/plugin-sdk'

/** Version of the SDK that plugins are given here. */
export const SDK_VERSION = readVersion()

/** The range a package.json asks for; where it says so in several places the one that is meant for hosts counts. */
export function sdkRange(manifest: Readonly<Record<string, unknown>>): string | undefined {
  for (const section of ['peerDependencies', 'engines', 'dependencies', 'devDependencies']) {
    const entries = manifest[section]
    const range: unknown = typeof entries === 'object' && entries !== null ? (entries as Record<string, unknown>)[SDK] : undefined
    if (typeof range === 'string') return range
  }
  return undefined
}

/** @throws PluginLoadFailed when the plugin asks for another SDK, or for none that can be told */
export function checkSdkVersion(plugin: string, range: string | undefined, version = SDK_VERSION): void {
  // A folder, a workspace or a tarball: whatever lies there.
  if (range === undefined || range.includes(':') || satisfies(version, range, { includePrerelease: true })) return
  const asked = validRange(range) === null ? `asks for "${range}" of ${SDK}, which is no range of versions` : `is written for ${SDK} ${range}`
  throw new PluginLoadFailed(
    `plugin "${plugin}": ${asked}, and this server has ${version}; install the version of the plugin that is for it, or, when it is known to run, change the range in its package.json`,
  )
}

/** The package may be reached by a link, and lie compiled beside the server. */
function readVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.resolve(SDK)))
  for (;;) {
    const manifest = manifestIn(folder)
    if (manifest?.name === SDK && manifest.version !== undefined) return manifest.version
    const above = dirname(folder)
    if (above === folder) throw new Error(`the package.json of ${SDK} cannot be found`)
    folder = above
  }
}

function manifestIn(folder: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
