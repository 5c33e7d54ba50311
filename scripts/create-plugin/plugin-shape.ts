/** What a new plugin shall have. */
export interface PluginShape {
  /** Kebab-case; also the folder's name. */
  readonly name: string
  readonly interceptor: boolean
  readonly iqHandler: boolean
  readonly adminRoute: boolean
  readonly table: boolean
  readonly config: boolean
  readonly consolePage: boolean
}

export type PluginParts = Partial<Omit<PluginShape, 'name'>>

/** Longer ones would break lines of the files that are written. */
const LONGEST_NAME = 32
const KEBAB_CASE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

/** A request that cannot be met; the message says what to do instead. */
export class ShapeRefused extends Error {
  override readonly name = 'ShapeRefused'
}

/** Fills in what follows from what was asked for. @throws ShapeRefused when the name will not do */
export function shapeOf(name: string, parts: PluginParts): PluginShape {
  if (!KEBAB_CASE.test(name)) {
    throw new ShapeRefused(
      `"${name}" is no name for a plugin: use small letters, digits and single hyphens, a letter first, such as "${suggestion(name)}"`,
    )
  }
  if (name.length > LONGEST_NAME) throw new ShapeRefused(`"${name}" has ${name.length} characters: use ${LONGEST_NAME} at most`)
  const { iqHandler = false, adminRoute = false, table = false, config = false, consolePage = false } = parts
  // Rows are written by the interceptor; and a plugin that does nothing teaches nothing.
  const interceptor = parts.interceptor === true || table || !(iqHandler || adminRoute || consolePage)
  return { name, interceptor, iqHandler, adminRoute, table, config, consolePage }
}

function suggestion(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  const kebab = words.join('-').replace(/^[0-9-]+/, '')
  return kebab === '' ? 'my-plugin' : kebab
}

export function pascalCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** Also the variable that a test imports the plugin as. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name)
  return pascal.charAt(0).toLowerCase() + pascal.slice(1)
}

export function snakeCase(name: string): string {
  return name.replaceAll('-', '_')
}

/** Of the iq handler's payload. */
export function namespaceFor(name: string): string {
  return `urn:example:${name}`
}
