/**
 * The command as a package of its own: `npm create beaconfire-plugin hello` writes a project into the present folder.
 * `npm run pack-sdk` bundles it with what it imports into the package's `bin`.
 */
import { readFileSync } from 'node:fs'
import { runCreatePlugin } from './command.js'
import { CORE, SDK } from './place.js'

/** Of the package the command is part of. */
interface OwnManifest {
  /** Also that of the SDK it writes for. */
  readonly version: string
  /** Versions of the programs that a new plugin is made with. */
  readonly createdWith: Readonly<Record<string, string>>
}

const { version, createdWith } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as OwnManifest

await runCreatePlugin(process.argv.slice(2), {
  name: 'npm create beaconfire-plugin --',
  cwd: process.cwd(),
  into: '.',
  placeOf: () => ({ kind: 'project', packages: { ...createdWith, [SDK]: `^${version}`, [CORE]: `^${version}` } }),
  // Which plugins the server ships is not known here; a server says so of two of one name.
  checkName: () => undefined,
})
