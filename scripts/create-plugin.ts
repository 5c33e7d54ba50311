/**
 * `npm run create-plugin -- <name> [--interceptor] [--iq-handler] [--admin-route] [--table] [--config] [--into <folder>]`:
 * writes a plugin that compiles, passes its own test, and runs as soon as its folder lies in a plugins folder.
 */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Command } from 'commander'
import { pluginFiles } from './create-plugin/plugin-files.js'
import { type PluginParts, type PluginShape, ShapeRefused, shapeOf } from './create-plugin/plugin-shape.js'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const OWN_PLUGINS = join(ROOT, 'plugins')

/**
 * Writes the plugin's folder, whole or not at all: a server that watches `into` never sees half of it.
 * @param into plugins folder, made when absent
 * @returns the new folder and the names of its files
 * @throws ShapeRefused, when the name will not do or is taken
 */
export async function createPlugin(shape: PluginShape, into: string): Promise<{ readonly folder: string; readonly files: readonly string[] }> {
  const folder = join(into, shape.name)
  if (existsSync(folder)) throw new ShapeRefused(`"${folder}" exists already: choose another name, or remove that folder first`)
  if (existsSync(join(OWN_PLUGINS, shape.name))) {
    throw new ShapeRefused(`the server ships a plugin "${shape.name}", and of two plugins of one name it takes its own: choose another name`)
  }
  const repository = isOwn(into) ? undefined : relative(folder, ROOT).split(sep).join('/')
  const files = pluginFiles(shape, { repository })
  const underWay = `${folder}.part` // a name that plugin hosts pass over
  await mkdir(into, { recursive: true })
  await mkdir(underWay)
  try {
    for (const [name, content] of files) await writeFile(join(underWay, name), content)
    await rename(underWay, folder)
  } catch (error) {
    await rm(underWay, { recursive: true, force: true })
    throw error
  }
  return { folder, files: [...files.keys()] }
}

/** True for the folder whose plugins are workspaces of the repository, and so need no paths to find the SDK. */
function isOwn(into: string): boolean {
  return resolve(into) === OWN_PLUGINS
}

function nextSteps(shape: PluginShape, folder: string, files: readonly string[], cwd: string): string {
  const own = isOwn(dirname(folder))
  const test = own ? `npm test -- plugins/${shape.name}/` : `cd ${relative(cwd, folder) || '.'} && npm test`
  const lines = [`Made ${folder}:`, ...files.map((file) => `  ${file}`), '', 'Next:', `  ${test.padEnd(44)} runs its test`]
  if (!own) lines.push(`  ${'npm run check'.padEnd(44)} checks its types`)
  lines.push(
    `  ${(own ? 'npm start' : `a server with plugins.folders: [${relative(cwd, dirname(folder)) || '.'}]`).padEnd(44)} loads it; one that runs already has loaded it`,
  )
  if (shape.interceptor) lines.push(`  ${'send a message'.padEnd(44)} and its log says "a message passes"`)
  if (shape.adminRoute) lines.push(`  ${`GET /api/v1/plugins/${shape.name}/status`.padEnd(44)} is its route in the admin API`)
  return `${lines.join('\n')}\n`
}

const OTHERS = `
Made with an interceptor alone, since nothing else was asked for. There are also
  --iq-handler, --admin-route, --table (with an interceptor that writes its rows), --config.
`

async function main(): Promise<void> {
  // npm runs scripts in the repository; a relative folder is meant from where the author stands.
  const cwd = process.env.INIT_CWD ?? process.cwd()
  const command = new Command('create-plugin')
    .description('Writes a new plugin. Pages of the web console are not written by it.')
    .argument('<name>', 'in kebab-case; also the name of its folder')
    .option('--interceptor', 'sees every message (the default, when nothing else is asked for)')
    .option('--iq-handler', 'answers an iq request of a namespace of its own')
    .option('--admin-route', 'adds a route to the admin API')
    .option('--table', 'has a table, into which its interceptor writes messages')
    .option('--config', 'has a key in the configuration')
    .option('--into <folder>', 'plugins folder to write into; that of the repository unless given')
    .action(async (name: string, options: PluginParts & { readonly into?: string }) => {
      const { into, ...parts } = options
      const shape = shapeOf(name, parts)
      const { folder, files } = await createPlugin(shape, into === undefined ? OWN_PLUGINS : resolve(cwd, into))
      process.stdout.write(nextSteps(shape, folder, files, cwd))
      if (Object.keys(parts).length === 0) process.stdout.write(OTHERS)
    })
  try {
    await command.parseAsync()
  } catch (error) {
    if (!(error instanceof ShapeRefused)) throw error
    process.stderr.write(`create-plugin: ${error.message}\n`)
    process.exitCode = 1
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
