/**
 * `npm run pack-sdk [-- <folder>]`: writes the packages of the SDK, of the server and of the command that makes a plugin as `npm publish` would
 * send them, into the present folder unless another is named. Each is checked by the tests of `test/scenarios/packed-sdk.test.ts`.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { packageFiles } from './pack-sdk/packages.js'

const ROOT = resolve(fileURLToPath(import.meta.url), '../..')

/** @param folder made when absent @returns the packed files by package name */
export async function packSdk(folder: string): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true })
  const staging = await mkdtemp(join(tmpdir(), 'beaconfire-pack-'))
  try {
    const packed = new Map<string, string>()
    for (const [name, files] of await packageFiles(ROOT)) {
      const from = join(staging, name)
      for (const [path, contents] of files) {
        await mkdir(dirname(join(from, path)), { recursive: true })
        await writeFile(join(from, path), contents, { mode: isProgram(contents) ? 0o755 : 0o644 })
      }
      const args = ['pack', from, '--pack-destination', folder, '--json', '--ignore-scripts', '--offline', '--loglevel=error']
      const { stdout } = await promisify(execFile)('npm', args, { cwd: staging })
      packed.set(name, join(folder, packedName(stdout)))
    }
    return packed
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

function isProgram(contents: string | Uint8Array): boolean {
  return Buffer.from(contents.slice(0, 2)).toString() === '#!'
}

/** npm 11 lists what it packed, npm 12 gives it by package. */
function packedName(answer: string): string {
  const packed = Object.values(JSON.parse(answer) as Record<string, { readonly filename: string }>)[0]
  if (!packed) throw new Error('npm pack made nothing')
  return packed.filename
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = resolve(process.env.INIT_CWD ?? process.cwd(), process.argv[2] ?? '.')
  for (const file of (await packSdk(folder)).values()) process.stdout.write(`${file}\n`)
}
