/** package.json and tsconfig.json of a new plugin, by the place it lies in. */
import { CORE, type Place, SDK, TOOLS } from './place.js'
import type { PluginShape } from './plugin-shape.js'

export function manifest({ name, consolePage }: PluginShape, place: Place): string {
  const common = { version: '0.1.0', private: true, type: 'module' }
  switch (place.kind) {
    case 'workspace':
      return json({ name: `@beaconfire/plugin-${name}`, ...common, dependencies: { [SDK]: place.sdk } })
    case 'beside':
      // Both programs are those of the repository, so that nothing has to be installed here.
      return json({
        name,
        ...common,
        scripts: {
          test: `node --import ${quoted(`${place.repository}/node_modules/tsx/dist/loader.mjs`)} --test ${name}.test.ts`,
          check: `node ${quoted(`${place.repository}/node_modules/typescript/bin/tsc`)} --noEmit`,
        },
      })
    case 'project':
      return json({
        name,
        ...common,
        files: ['*.ts', '!*.test.ts', ...(consolePage ? ['console'] : [])],
        scripts: { test: `node --import tsx --test ${name}.test.ts`, check: 'tsc --noEmit' },
        // A server with another SDK refuses the plugin with a clear word.
        peerDependencies: { [SDK]: place.packages[SDK] },
        devDependencies: Object.fromEntries([CORE, SDK, ...TOOLS].map((it) => [it, place.packages[it]])),
      })
  }
}

/** @returns undefined for a workspace, which has that of the repository */
export function compilerOptions(place: Place): string | undefined {
  if (place.kind === 'workspace') return undefined
  const common = {
    target: 'ES2023',
    lib: ['ES2023'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
  }
  if (place.kind === 'project') return json({ compilerOptions: common, include: ['*.ts'] })
  const { repository } = place
  const sdk = `${repository}/plugin-sdk`
  return json({
    compilerOptions: {
      ...common,
      typeRoots: [`${repository}/node_modules/@types`],
      // Nothing leads to the SDK from here: this says where it is, to the compiler and to tsx.
      paths: { [SDK]: [`${sdk}/index.ts`], [`${SDK}/testing`]: [`${sdk}/testing/index.ts`] },
    },
    // The test kit starts the server itself, which needs what is declared there.
    include: ['*.ts', `${repository}/core/**/*.d.ts`],
  })
}

function quoted(path: string): string {
  return path.includes(' ') ? `"${path}"` : path
}

function json(content: object): string {
  return `${JSON.stringify(content, undefined, 2)}\n`
}
