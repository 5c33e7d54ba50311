/** Compiles a part of the tree file by file: for `npm run build`, and for the packages that are published. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build } from 'esbuild'

/** What is read or run while the server runs. */
function belongs(path: string): boolean {
  return !/(^|\/)node_modules\/|(^|\/)\.|\.(test|fixture)\.ts$|\.d\.m?ts$|\.md$/.test(path)
}

async function filesIn(root: string, part: string): Promise<string[]> {
  const entries = await readdir(join(root, part), { recursive: true, withFileTypes: true })
  return entries
    .filter((it) => it.isFile())
    .map((it) => relative(root, join(it.parentPath, it.name)))
    .filter(belongs)
}

/** @param part folder below `root` @returns contents by path below `root` @throws (rejects) when a file cannot be compiled */
export async function compileTree(root: string, part: string): Promise<Map<string, Uint8Array>> {
  const files = await filesIn(root, part)
  const outputs = new Map<string, Uint8Array>()
  const outdir = join(root, 'dist') // of the paths alone: nothing is written
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: files.filter((it) => it.endsWith('.ts')),
    outdir,
    outbase: root,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    logLevel: 'silent',
  })
  for (const { path, contents } of outputFiles) outputs.set(relative(outdir, path), contents)
  for (const file of files.filter((it) => !it.endsWith('.ts'))) outputs.set(file, await asCompiled(join(root, file)))
  return outputs
}

/** Packages lead to what was compiled. */
async function asCompiled(file: string): Promise<Uint8Array> {
  const contents = await readFile(file)
  return file.endsWith('package.json') ? Buffer.from(contents.toString().replaceAll('.ts"', '.js"')) : contents
}
