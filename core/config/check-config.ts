/** Checks a value against a schema: defaults filled in, texts converted, and every problem named by its path. */
import type { Static, TSchema } from 'typebox'
import Value from 'typebox/value'

/** What is wrong with the configuration, all of it at once. The message is meant for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      problems.length === 1 ? `${problems[0]}` : `${problems.length} problems in the configuration:\n${problems.map((it) => `  ${it}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/** The parts of a JSON schema this file reads. */
interface SchemaShape {
  readonly type?: string
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly items?: TSchema
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
}

export type Path = readonly string[]

/**
 * @param prefix put before each path, such as `plugins.settings.chatlog`
 * @param originOf names where the value at a path was written, for the message
 * @throws ConfigError
 */
export function checkConfig<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  prefix = '',
  originOf: (path: Path) => string | undefined = () => undefined,
): Static<Schema> {
  const given = convert(schema, structuredClone(value ?? {}))
  const whole = Value.Default(schema, given)
  if (Value.Check(schema, whole)) return whole as Static<Schema>
  throw new ConfigError(problemsOf(schema, whole, prefix, originOf))
}

/** Texts become what the schema expects where that is plain; environment variables can hold nothing but text. */
export function convert(schema: TSchema, value: unknown): unknown {
  const shape = schema as SchemaShape
  if (typeof value === 'string') return convertText(shape, value)
  if (Array.isArray(value)) return shape.items ? value.map((it) => convert(shape.items as TSchema, it)) : value
  if (typeof value !== 'object' || value === null || !shape.properties) return value
  const result: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    const innerSchema = Object.hasOwn(shape.properties, key) ? shape.properties[key] : undefined
    // `c2s:` with nothing under it is null in YAML, and means that nothing is said about c2s.
    if (inner === null && (innerSchema as SchemaShape | undefined)?.type !== 'null') continue
    result[key] = innerSchema ? convert(innerSchema, inner) : inner
  }
  return result
}

function convertText(shape: SchemaShape, value: string): unknown {
  const trimmed = value.trim()
  switch (shape.type) {
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : value
    case 'boolean':
      return trimmed === 'true' ? true : trimmed === 'false' ? false : value
    case 'array':
      return trimmed.startsWith('[') ? parsedOr(value) : trimmed === '' ? [] : trimmed.split(',').map((it) => it.trim())
    case 'object':
      return parsedOr(value)
    default:
      return value
  }
}

/** The value of a JSON text, or the text itself, which the check then refuses by name. */
function parsedOr(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

type Report = (path: Path, fault: string) => void

function problemsOf(schema: TSchema, value: unknown, prefix: string, originOf: (path: Path) => string | undefined): string[] {
  const problems: string[] = []
  const report: Report = (path, fault) => {
    const origin = originOf(path)
    problems.push(`${[prefix, ...path].filter(Boolean).join('.') || 'configuration'}: ${fault}${origin ? ` (in ${origin})` : ''}`)
  }
  reportIn(schema, value, [], report)
  return problems
}

/** Walks the objects itself, since the library stops collecting after eight errors. */
function reportIn(schema: TSchema, value: unknown, path: Path, report: Report): void {
  const { properties, required, additionalProperties } = schema as SchemaShape
  if (!properties || typeof value !== 'object' || value === null || Array.isArray(value)) {
    reportLeaf(schema, value, path, report)
    return
  }
  for (const key of required ?? []) if (!Object.hasOwn(value, key)) report([...path, key], 'is required')
  for (const [key, inner] of Object.entries(value)) {
    const innerSchema = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (innerSchema) reportIn(innerSchema, inner, [...path, key], report)
    else if (additionalProperties === false) report([...path, key], 'is no known key')
  }
}

function reportLeaf(schema: TSchema, value: unknown, path: Path, report: Report): void {
  const byPath = new Map<string, string[]>()
  const options = new Map<string, unknown[]>()
  for (const error of Value.Errors(schema, value)) {
    const at = error.instancePath
    if (error.keyword === 'anyOf') continue
    if (error.keyword === 'const') add(options, at, error.params.allowedValue)
    else if (error.keyword === 'enum') for (const allowed of error.params.allowedValues) add(options, at, allowed)
    else add(byPath, at, error.message)
  }
  for (const [at, allowed] of options) add(byPath, at, `must be one of ${allowed.join(', ')}`)
  for (const [pointer, faults] of byPath) report([...path, ...pathOf(pointer)], [...new Set(faults)].join(', '))
}

function add<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key)
  if (list) list.push(item)
  else lists.set(key, [item])
}

function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}
