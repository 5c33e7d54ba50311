/** System properties of an Openfire installation that have a meaning here. What this configuration says wins; they come before the defaults. */
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { convert } from './check-config.js'

/** `ofProperty`, as far as it can be read. */
export type OpenfireProperties = ReadonlyMap<string, string>

/** What properties say, as a part of a configuration. */
export interface FromProperties {
  readonly tree: Record<string, unknown>
  /** Properties by the path of the key they set. */
  readonly taken: ReadonlyMap<string, string>
  /** Properties with a value that is none, in words. */
  readonly refused: readonly string[]
}

/**
 * How a plugin says that one of its keys is the same as a system property: `Type.Integer({ default: 1, openfireProperty: 'xmpp.…' })`.
 * `openfireWhen` names a property that must be true for the other to count.
 */
interface Annotated {
  readonly openfireProperty?: string
  readonly openfireWhen?: string
}

/** The settings of a plugin, by the annotations of its schema. */
export function settingsFromProperties(schema: TSchema, properties: OpenfireProperties): FromProperties {
  const tree: Record<string, unknown> = {}
  const taken = new Map<string, string>()
  const refused: string[] = []
  for (const [key, inner] of Object.entries((schema as { properties?: Readonly<Record<string, TSchema>> }).properties ?? {})) {
    const { openfireProperty: name, openfireWhen: condition } = inner as Annotated
    const text = name === undefined ? undefined : properties.get(name)
    if (name === undefined || text === undefined || (condition !== undefined && !isTrue(properties.get(condition)))) continue
    const value = convert(inner, typeof text === 'string' ? text.trim().toLowerCase() : text)
    if (Value.Check(inner, value)) {
      tree[key] = value
      taken.set(key, name)
    } else refused.push(`${name} has the value "${text.slice(0, 100)}", which is none for ${key}`)
  }
  return { tree, taken, refused }
}

type Rule = (value: string) => unknown

/** Keys of the server itself. A rule that answers undefined knows no such value, null that it sets nothing. */
const RULES: readonly { readonly property: string; readonly path: readonly string[]; readonly rule: Rule }[] = [
  { property: 'xmpp.domain', path: ['domain'], rule: (value) => value.trim() || undefined },
  { property: 'xmpp.session.conflict-limit', path: ['c2s', 'resourceConflict'], rule: conflictPolicy },
  { property: 'sasl.mechs', path: ['c2s', 'saslMechanisms'], rule: mechanisms },
  { property: 'xmpp.auth.anonymous', path: ['c2s', 'anonymous'], rule: truth },
  { property: 'route.all-resources', path: ['route', 'allResources'], rule: truth },
  { property: 'route.really-all-resources', path: ['route', 'allResources'], rule: (value) => (truth(value) === false ? null : truth(value)) },
]

export function configFromProperties(properties: OpenfireProperties): FromProperties {
  const tree: Record<string, unknown> = {}
  const taken = new Map<string, string>()
  const refused: string[] = []
  for (const { property, path, rule } of RULES) {
    const text = properties.get(property)
    if (text === undefined) continue
    const value = rule(text)
    if (value === null) continue
    if (value !== undefined) {
      put(tree, path, value)
      taken.set(path.join('.'), property)
    } else refused.push(`${property} has the value "${text.slice(0, 100)}", which has no meaning here`)
  }
  return { tree, taken, refused }
}

/** Openfire counts how often a resource is refused before the old session goes; here it goes at once, or never. */
function conflictPolicy(value: string): string | undefined {
  const limit = Number(value)
  if (value.trim() === '' || !Number.isInteger(limit)) return undefined
  return limit < 0 ? 'reject-new' : 'kick-old'
}

const OFFERED = new Set(['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'EXTERNAL', 'ANONYMOUS'])

/** Those of the list that there are here. Who allows SCRAM-SHA-1 has nothing against a longer hash, which Openfire does not know. */
function mechanisms(value: string): string[] | undefined {
  const wanted = value.split(',').map((it) => it.trim().toUpperCase())
  const known = wanted.filter((it) => OFFERED.has(it))
  const stronger = known.filter((it) => it.startsWith('SCRAM-SHA-1')).map((it) => it.replace('SHA-1', 'SHA-256'))
  return known.length > 0 ? [...stronger, ...known] : undefined
}

function truth(value: string): boolean | undefined {
  const text = value.trim().toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && truth(value) === true
}

function put(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) tree[key] = value
  else {
    const below = (tree[key] ?? {}) as Record<string, unknown>
    tree[key] = below
    put(below, rest, value)
  }
}
