/** Where a new plugin's folder lies, which decides how it finds the SDK and the programs for its test. */
export type Place =
  /** The plugins folder of the repository, whose plugins are workspaces of it. @see sdk the SDK's version there */
  | { readonly kind: 'workspace'; readonly sdk: string }
  /** A folder elsewhere on the machine, which uses what is installed in the repository. @see repository from the plugin's folder, with `/` */
  | { readonly kind: 'beside'; readonly repository: string }
  /** A project of its own, which installs packages. @see packages versions by name, the SDK's among them */
  | { readonly kind: 'project'; readonly packages: Readonly<Record<string, string>> }

/** The command itself, for `npm create beaconfire-plugin`. */
export const CREATE = 'create-beaconfire-plugin'
export const SDK = '@beaconfire/plugin-sdk'
/** The server, which the test kit starts. */
export const CORE = '@beaconfire/core'
/** Of the packages a project needs, those that are not Beaconfire's. */
export const TOOLS = ['@types/node', 'tsx', 'typescript'] as const

/** How the plugin's test is run from its folder, or from the repository for a workspace of it. */
export function testCommand(name: string, place: Place): string {
  return place.kind === 'workspace' ? `npm test -- plugins/${name}/` : place.kind === 'project' ? 'npm install && npm test' : 'npm test'
}
