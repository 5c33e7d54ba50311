/** A folder outside the repository where the packed SDK and server are installed, as `npm install` leaves them: no registry is asked. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestScope } from '@beaconfire/plugin-sdk/testing'
import { extract } from 'tar'
import { CORE, CREATE, SDK } from '../../scripts/create-plugin/place.js'
import { packSdk } from '../../scripts/pack-sdk.js'

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')
/** What a plugin's own package.json asks for besides. */
const TOOLS = ['typescript', 'tsx', '@types/node']
const { NODE_TEST_CONTEXT: _, ...ENV } = process.env

export interface OutsideProject {
  readonly folder: string
  /** The packed file of the command that writes a plugin, which is not installed. */
  readonly createPackage: string
  /** Runs a program with this Node. @throws (rejects) with all it printed @returns what it printed */
  node(args: readonly string[], cwd?: string): Promise<string>
  /** Runs it in a shell, as the guide has it; npm asks no registry. */
  shell(command: string): Promise<string>
}

export async function outsideProject(t: TestScope): Promise<OutsideProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'beaconfire-outside-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const packed = await packSdk(join(folder, 'packed'))
  for (const name of [SDK, CORE]) await install(folder, name, packed.get(name) as string)
  for (const tool of TOOLS) await link(folder, tool)
  return {
    folder,
    createPackage: packed.get(CREATE) as string,
    node: (args, cwd = folder) => run(process.execPath, args, cwd),
    shell: (command) => run('bash', ['-ec', command], folder),
  }
}

/** Unpacks it, and links what it depends on from what the repository has installed. */
async function install(folder: string, name: string, file: string): Promise<void> {
  const to = join(folder, 'node_modules', name)
  await mkdir(to, { recursive: true })
  await extract({ file, cwd: to, strip: 1 })
  const manifest = JSON.parse(await readFile(join(to, 'package.json'), 'utf8')) as Record<string, Record<string, string> | undefined>
  const bin = join(folder, 'node_modules', '.bin')
  await mkdir(bin, { recursive: true })
  for (const [command, program] of Object.entries(manifest.bin ?? {})) await symlink(join('..', name, program), join(bin, command))
  for (const needed of Object.keys(manifest.dependencies ?? {})) if (!needed.startsWith('@beaconfire/')) await link(folder, needed)
  for (const wanted of Object.keys(manifest.optionalDependencies ?? {})) if (installedAt(wanted)) await link(folder, wanted)
}

async function link(folder: string, name: string): Promise<void> {
  const to = join(folder, 'node_modules', name)
  const from = installedAt(name)
  if (from === undefined) throw new Error(`${name} is not installed in the repository`)
  if (existsSync(to)) return
  await mkdir(dirname(to), { recursive: true })
  await symlink(from, to)
}

function installedAt(name: string): string | undefined {
  return ['node_modules', 'core/node_modules', 'plugin-sdk/node_modules'].map((it) => join(ROOT, it, name)).find((it) => existsSync(it))
}

async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd, env: { ...ENV, npm_config_offline: 'true', npm_config_update_notifier: 'false' } }))
      .stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}
