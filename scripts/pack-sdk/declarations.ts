/** Type declarations of the SDK and of the server, as the compiler emits them. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'

const PARTS = ['core', 'plugin-sdk']
const NOT_PUBLISHED = ['**/*.test.ts', '**/*.fixture.ts', 'plugin-sdk/examples']

/**
 * @param parts folders of the repository
 * @returns contents by path below `root`, such as `plugin-sdk/index.d.ts`
 * @throws Error (rejects) with the compiler's words, when these parts do not compile
 */
export async function declarationsOf(root: string, parts: readonly string[] = PARTS): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'beaconfire-types-'))
  try {
    await emit(root, parts, folder)
    const found = new Map<string, string>()
    for (const file of await filesIn(folder)) {
      const path = relative(folder, file)
      if (parts.some((part) => path.startsWith(`${part}/`)) && path.endsWith('.d.ts')) found.set(path, await readFile(file, 'utf8'))
    }
    return found
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What was written as declarations is not emitted: it is copied beside what was. */
export async function writtenDeclarations(root: string, part: string): Promise<Map<string, string>> {
  const files = (await filesIn(join(root, part))).filter((file) => /\.d\.m?ts$/.test(file) && !file.includes('node_modules'))
  return new Map(await Promise.all(files.map(async (file) => [relative(root, file), await readFile(file, 'utf8')] as const)))
}

async function emit(root: string, parts: readonly string[], outDir: string): Promise<void> {
  const config = join(outDir, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir,
    rootDir: root,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const include = PARTS.map((part) => join(root, part)) // the test kit's types lead to core's
  const exclude = NOT_PUBLISHED.map((it) => join(root, it))
  await mkdir(dirname(config), { recursive: true })
  await copyFile(join(root, 'package.json'), join(outDir, 'package.json'))
  await writeFile(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include, exclude }))
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], { cwd: root }).catch(
    (error: Error & { stdout?: string }) => {
      const wrong = (error.stdout ?? '').split('\n').filter((line) => parts.some((part) => line.startsWith(`${part}/`)))
      if (wrong.length > 0 || !error.stdout) throw new Error(`the sources do not compile:\n${wrong.join('\n')}`, { cause: error })
    },
  )
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name))
}
