/** The command itself, in the repository and out of it: reads the command line, asks for the rest, writes the folder, says what comes next. */
import { dirname, join, relative, resolve } from 'node:path'
import { Command } from 'commander'
import { ask, Cancelled, PART_HINTS } from './ask.js'
import { type Place, testCommand } from './place.js'
import { type PluginParts, type PluginShape, ShapeRefused, shapeOf } from './plugin-shape.js'
import { type WrittenPlugin, writePlugin } from './write-plugin.js'

export interface Surroundings {
  /** How the command is called, for its help. */
  readonly name: string
  /** Where a relative folder is meant from. */
  readonly cwd: string
  /** Plugins folder to write into unless one is given. */
  readonly into: string
  placeOf(folder: string): Place
  /** @throws ShapeRefused when the name is taken */
  checkName(name: string): void
}

const FLAGS = {
  interceptor: '--interceptor',
  iqHandler: '--iq-handler',
  adminRoute: '--admin-route',
  table: '--table',
  config: '--config',
  consolePage: '--console-page',
} as const satisfies Readonly<Record<keyof PluginParts, string>>

const OTHERS = `
Made with an interceptor alone, since nothing else was asked for. There are also
  --iq-handler, --admin-route, --table (with an interceptor that writes its rows), --config,
  --console-page.
`

/** Sets the exit code: 1 for what cannot be done. */
export async function runCreatePlugin(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const command = new Command(surroundings.name)
    .description('Writes a new plugin. On a terminal it asks for what is not said.')
    .argument('[name]', 'in kebab-case; also the name of its folder')
  for (const [part, flag] of Object.entries(FLAGS)) command.option(flag, PART_HINTS[part as keyof PluginParts])
  command
    .option('--into <folder>', 'plugins folder to write into', surroundings.into)
    .action((name: string | undefined, { into, ...parts }: PluginParts & { readonly into: string }) =>
      create(name, parts, resolve(surroundings.cwd, into), surroundings),
    )
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof ShapeRefused || error instanceof Cancelled)) throw error
    process.stderr.write(`create-plugin: ${error.message}\n`)
    process.exitCode = 1
  }
}

async function create(name: string | undefined, parts: PluginParts, into: string, surroundings: Surroundings): Promise<void> {
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  const asked = isTerminal && (name === undefined || Object.keys(parts).length === 0)
  if (!asked && name === undefined) throw new ShapeRefused('say what the plugin shall be called, such as "hello"')
  const wanted = asked ? await ask({ name, parts }, { input: process.stdin, output: process.stdout }) : { name: name ?? '', parts }
  const shape = shapeOf(wanted.name, wanted.parts)
  surroundings.checkName(shape.name)
  const place = surroundings.placeOf(into)
  const written = await writePlugin(shape, into, place)
  process.stdout.write(nextSteps(shape, written, place, surroundings.cwd))
  if (Object.keys(wanted.parts).length === 0) process.stdout.write(OTHERS)
}

function nextSteps(shape: PluginShape, { folder, files }: WrittenPlugin, place: Place, cwd: string): string {
  const own = place.kind === 'workspace'
  const step = (what: string, why: string) => `  ${what.padEnd(44)}  ${why}`
  const test = `${own ? '' : `cd ${shown(folder, cwd)} && `}${testCommand(shape.name, place)}`
  const lines = [`Made ${folder}:`, ...files.map((file) => `  ${file}`), '', 'Next:', step(test, 'runs its test')]
  if (!own) lines.push(step('npm run check', 'checks its types'))
  lines.push(step(serverCommand(place, dirname(folder), cwd), 'loads it; one that runs already has loaded it'))
  if (shape.interceptor)
    lines.push(step(place.kind === 'project' ? 'send a message' : `npm run say -- 'Hello'`, 'and the log says "a message passes"'))
  if (shape.adminRoute) lines.push(step(`GET /api/v1/plugins/${shape.name}/status`, 'is its route in the admin API'))
  if (shape.consolePage) lines.push(step('http://localhost:9090/console/', 'has its page, for who has the admin token'))
  return `${lines.join('\n')}\n`
}

function serverCommand(place: Place, into: string, cwd: string): string {
  if (place.kind === 'workspace') return 'npm start'
  // The server runs in the repository, wherever the author stands.
  return place.kind === 'project' ? `a server with plugins.folders: [${shown(into, cwd)}]` : `BEACONFIRE_PLUGINS_FOLDERS=${into} npm start`
}

/** From where the author stands, unless that leads up and far away. */
function shown(path: string, cwd: string): string {
  const way = relative(cwd, path) || '.'
  return way.startsWith(join('..', '..')) ? path : way
}
