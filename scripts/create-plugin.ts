/**
 * `npm run create-plugin -- <name> [--interceptor] [--iq-handler] [--admin-route] [--table] [--config] [--console-page]
 * [--into <folder>]`: writes a plugin that compiles, passes its own test, and runs as soon as its folder lies in a plugins folder.
 * Outside the repository `npm create beaconfire-plugin` is the same command, see `create-plugin/outside.ts`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runCreatePlugin, type Surroundings } from './create-plugin/command.js'
import { ShapeRefused } from './create-plugin/plugin-shape.js'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const OWN_PLUGINS = join(ROOT, 'plugins')

/** @param cwd where the author stands */
export function surroundingsIn(cwd: string): Surroundings {
  return {
    name: 'npm run create-plugin --',
    cwd,
    into: OWN_PLUGINS,
    placeOf: (folder) =>
      // The folder whose plugins are workspaces of the repository need no paths to find the SDK.
      resolve(folder) === OWN_PLUGINS
        ? { kind: 'workspace', sdk: sdkVersion() }
        : { kind: 'beside', repository: relative(join(folder, 'plugin'), ROOT).split(sep).join('/') },
    checkName: (name) => {
      if (!existsSync(join(OWN_PLUGINS, name))) return
      throw new ShapeRefused(`the server ships a plugin "${name}", and of two plugins of one name it takes its own: choose another name`)
    },
  }
}

function sdkVersion(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'plugin-sdk/package.json'), 'utf8')) as { version: string }).version
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  // npm runs scripts in the repository; a relative folder is meant from where the author stands.
  await runCreatePlugin(process.argv.slice(2), surroundingsIn(process.env.INIT_CWD ?? process.cwd()))
}
