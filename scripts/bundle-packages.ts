/**
 * Part of `npm run build`: each package the server imports as one file below `dist/node_modules`, where the compiled tree finds it first.
 * A package of hundreds of modules costs the most memory by their number: typebox takes 3 MB so, against 25 MB from its 679 files.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { importsOf } from './imports-of.js'

/** Left where they are: native, reading files beside their own, or loaded by few. */
const LEFT = new Set(['better-sqlite3', 'better-sqlite3-node20', 'mysql2', '@fastify/swagger-ui', 'tsx', 'pino-pretty'])
/** Drivers that knex would load for databases we do not serve. */
const ABSENT = ['sqlite3', 'mysql', 'mariadb', 'mariadb/callback', 'pg', 'pg-*', 'oracledb', 'tedious']
/** Links to packages of the tree itself, which are not bundled. */
const OWN_SCOPE = '@beaconfire'
/** esbuild's namespace of the modules written here, one for each path that is imported of a package. */
const ENTRY = 'entry'
/** What a CommonJS module expects to find. */
const COMMON_JS = `import { createRequire as $createRequire } from 'node:module'
import { dirname as $dirname } from 'node:path'
import { fileURLToPath as $fileURLToPath } from 'node:url'
const require = $createRequire(import.meta.url), __filename = $fileURLToPath(import.meta.url), __dirname = $dirname(__filename)`

/** Packages imported at run time by these sources, with the paths within each: `knex` -> `.`, `./lib/client.js`. */
export function packagesOf(sources: Iterable<string>): Map<string, Set<string>> {
  const packages = new Map<string, Set<string>>()
  for (const source of sources) {
    for (const { specifier, typeOnly } of importsOf(source)) {
      const [, name, path] = /^((?:@[\w.-]+\/)?[\w.-]+)(\/.+)?$/.exec(specifier) ?? []
      if (typeOnly || !name || name.startsWith('.') || name.startsWith('@beaconfire/') || specifier.startsWith('node:') || LEFT.has(name)) continue
      packages.set(name, (packages.get(name) ?? new Set<string>()).add(`.${path ?? ''}`))
    }
  }
  return packages
}

/**
 * @param root folder of the repository @param folder `dist/node_modules`
 * @throws (rejects) when a package is not installed
 */
export async function bundlePackages(packages: ReadonlyMap<string, ReadonlySet<string>>, root: string, folder: string): Promise<void> {
  const done = join(folder, '.bundled')
  const key = await keyOf(packages, root)
  if ((await readFile(done, 'utf8').catch(() => '')) === key) return // missing: never done
  const specifiers = [...packages].flatMap(([name, paths]) => [...paths].map((path) => ({ name, path, specifier: name + path.slice(1) })))
  // Also what is bundled no more: it would be found before the package itself.
  const earlier = await readdir(folder).catch(() => []) // not there: never done
  await Promise.all(earlier.filter((it) => it !== OWN_SCOPE).map((name) => rm(join(folder, name), { recursive: true, force: true })))
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      specifiers.map(({ name, path, specifier }) => [`${name}/${fileOf(path)}`.replace(/\.js$/, ''), `${ENTRY}:${specifier}`]),
    ),
    outdir: folder,
    chunkNames: '.chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: COMMON_JS },
    external: [...LEFT, ...ABSENT],
    // The text of what is loaded stays in memory, and twice as large where a comment has a letter that is not of ISO 8859-1.
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
    logLevel: 'error',
    plugins: [entryModules(root)],
  })
  for (const [name, paths] of packages) await writeManifest(join(folder, name), name, paths)
  await writeFile(done, key)
}

/** An entry module exports the names Node would give: those of a CommonJS module are not in its text. */
function entryModules(root: string): Plugin {
  return {
    name: 'entry-modules',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice(ENTRY.length + 1), namespace: ENTRY }))
      onLoad({ filter: /.*/, namespace: ENTRY }, async ({ path }) => ({ contents: await entryModuleOf(path), resolveDir: root }))
    },
  }
}

async function entryModuleOf(specifier: string): Promise<string> {
  const names = Object.keys((await import(specifier)) as object).filter((it) => it !== 'module.exports')
  const exported = names.map((it, at) =>
    it === 'default' ? 'export default all.default' : `const name${at} = all[${JSON.stringify(it)}]\nexport { name${at} as ${it} }`,
  )
  return [`import * as all from ${JSON.stringify(specifier)}`, ...exported].join('\n')
}

function fileOf(path: string): string {
  const within = path === '.' ? 'index.js' : path.slice(2)
  return within.endsWith('.js') ? within : `${within}.js`
}

async function writeManifest(folder: string, name: string, paths: ReadonlySet<string>): Promise<void> {
  const exports = Object.fromEntries([...paths].map((path) => [path, `./${fileOf(path)}`]))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports }, undefined, 2))
}

/** Differs when a package may have changed, or what is wanted of it. */
async function keyOf(packages: ReadonlyMap<string, ReadonlySet<string>>, root: string): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  const installed = [...packages.keys()].map((name) => `node_modules/${name}/package.json`)
  for (const file of ['package-lock.json', 'scripts/bundle-packages.ts', ...installed]) hash.update(await readFile(join(root, file)))
  for (const [name, paths] of packages) hash.update(`${name} ${[...paths].sort().join(' ')}\n`)
  return hash.digest('hex')
}
