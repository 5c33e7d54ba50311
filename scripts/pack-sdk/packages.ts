/**
 * What the published packages hold, by path within each. `@beaconfire/plugin-sdk` is all that a plugin imports, with its types, guide and
 * test kit; `@beaconfire/core` is the server with the plugins it ships, which the kit starts; `create-beaconfire-plugin` writes a new plugin.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { compileTree } from '../compile-tree.js'
import { CORE, CREATE, SDK, TOOLS } from '../create-plugin/place.js'
import { declarationsOf, writtenDeclarations } from './declarations.js'
import { packedDocuments } from './documents.js'

export type PackageFiles = Map<string, string | Uint8Array>

interface Manifest extends Readonly<Record<string, unknown>> {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** @returns files by package name */
export async function packageFiles(root: string): Promise<ReadonlyMap<string, PackageFiles>> {
  const declarations = await declarationsOf(root)
  return new Map([
    [SDK, await sdkFiles(root, declarations)],
    [CORE, await coreFiles(root, declarations)],
    [CREATE, await createFiles(root)],
  ])
}

async function sdkFiles(root: string, declarations: ReadonlyMap<string, string>): Promise<PackageFiles> {
  const files: PackageFiles = new Map()
  const put = (from: ReadonlyMap<string, string | Uint8Array>) => {
    for (const [path, contents] of from) {
      const own = relative('plugin-sdk', path)
      if (!own.startsWith('..') && !own.startsWith('examples/') && own !== 'package.json') files.set(own, contents)
    }
  }
  put(await compileTree(root, 'plugin-sdk'))
  put(declarations)
  // Examples are there to be read, and copied.
  for (const [path, contents] of await packedDocuments(root, files.keys())) files.set(path, contents)
  files.set('LICENSE', await readFile(join(root, 'LICENSE')))
  files.set('package.json', await sdkManifest(root))
  return files
}

async function sdkManifest(root: string): Promise<string> {
  const { devDependencies: _, ...manifest } = await manifestOf(join(root, 'plugin-sdk'))
  const { devDependencies: tools = {} } = await manifestOf(root)
  return json({
    ...manifest,
    // Declarations that those of the SDK lead to.
    dependencies: { ...manifest.dependencies, '@types/ltx': tools['@types/ltx'] },
    exports: { '.': entry('index'), './testing': entry('testing/index') },
    // The test kit starts it; what a plugin imports while it runs does not need it.
    peerDependencies: { [CORE]: `^${manifest.version}` },
    peerDependenciesMeta: { [CORE]: { optional: true } },
  })
}

/** The same version as the SDK's, since a plugin it writes asks for that. */
async function createFiles(root: string): Promise<PackageFiles> {
  const { version, license, engines } = await manifestOf(join(root, 'plugin-sdk'))
  const { devDependencies: tools = {} } = await manifestOf(root)
  const bin = 'bin/create-plugin.js'
  const manifest = {
    name: CREATE,
    version,
    description: 'Writes a new Beaconfire plugin: npm create beaconfire-plugin',
    license,
    type: 'module',
    bin: { [CREATE]: bin },
    engines,
    createdWith: Object.fromEntries(TOOLS.map((it) => [it, tools[it]])),
  }
  return new Map<string, string | Uint8Array>([
    ['package.json', json(manifest)],
    ['README.md', await readFile(join(root, 'scripts/create-plugin/README.md'))],
    ['LICENSE', await readFile(join(root, 'LICENSE'))],
    [bin, await createCommand(root)],
  ])
}

/** One file, so that nothing has to be installed besides. */
async function createCommand(root: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['scripts/create-plugin/outside.ts'],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: {
      js: [
        '#!/usr/bin/env node',
        // What CommonJS packages in it ask for.
        `import { createRequire as $createRequire } from 'node:module'`,
        'const require = $createRequire(import.meta.url)',
      ].join('\n'),
    },
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]?.contents as Uint8Array
}

async function coreFiles(root: string, declarations: ReadonlyMap<string, string>): Promise<PackageFiles> {
  const files: PackageFiles = new Map(await compileTree(root, 'core'))
  for (const [path, contents] of [...declarations, ...(await writtenDeclarations(root, 'core'))])
    if (path.startsWith('core/')) files.set(path, contents)
  for (const [path, contents] of await compileTree(root, 'plugins')) files.set(path, contents)
  // None of them was compiled beside its sources: each is loaded from its folder here.
  files.set('build.json', json({ plugins: 'plugins', versions: {} }))
  files.set('LICENSE', await readFile(join(root, 'LICENSE')))
  const manifest = await manifestOf(join(root, 'core'))
  const server = { types: './core/server.d.ts', default: './core/server.js' }
  const more = { exports: { './server': server }, bin: { beaconfire: 'core/main.js' } }
  files.set('package.json', json({ ...manifest, dependencies: { ...(await pluginDependencies(root)), ...manifest.dependencies }, ...more }))
  return files
}

/** Packages that shipped plugins import. */
async function pluginDependencies(root: string): Promise<Record<string, string>> {
  const needed: Record<string, string> = {}
  for (const name of await readdir(join(root, 'plugins'))) {
    const { dependencies } = await manifestOf(join(root, 'plugins', name)).catch(noManifest)
    Object.assign(needed, dependencies)
  }
  return needed
}

/** A folder under way, which is no plugin yet. */
function noManifest(error: NodeJS.ErrnoException): Pick<Manifest, 'dependencies'> {
  if (error.code !== 'ENOENT') throw error
  return { dependencies: {} }
}

/** Without what keeps the sources from being packed as they are. */
async function manifestOf(folder: string): Promise<Manifest> {
  const { private: _, scripts: __, ...manifest } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  return manifest as Manifest
}

function entry(path: string): object {
  return { types: `./${path}.d.ts`, default: `./${path}.js` }
}

function json(content: object): string {
  return `${JSON.stringify(content, undefined, 2)}\n`
}
