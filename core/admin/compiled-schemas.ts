/** Schemas of admin routes compiled once, when a route is added: a bad one is its owner's error, and a rebuild of the application costs no compiling. */

import { AdminError, type AdminRoute } from '@beaconfire/plugin-sdk'
import { AjvCompiler } from '@fastify/ajv-compiler'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { TSchema } from 'typebox'

export type RoutePart = 'params' | 'query' | 'body'

/** Ajv's validator: true, or false with `errors` set. Defaults and coerced values are written into what it checks. */
export interface Validator {
  (value: unknown, context?: object): boolean
  errors?: readonly SchemaFault[] | null
}

export interface SchemaFault {
  readonly instancePath?: string
  readonly message?: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface CompiledSchemas {
  /** As validated and documented: objects that do not say otherwise refuse unknown keys. */
  readonly schemas: Readonly<Partial<Record<RoutePart | 'response', object>>>
  readonly validators: Readonly<Partial<Record<RoutePart, Validator>>>
  readonly serialize: ((value: unknown) => string) | undefined
}

/** Everything in a path or query is text, so numbers and booleans are read from it; a body has types of its own. */
const compileText = AjvCompiler()({}, { customOptions: { coerceTypes: 'array', useDefaults: true, removeAdditional: false, strict: false } })
const compileBody = AjvCompiler()({}, { customOptions: { coerceTypes: false, useDefaults: true, removeAdditional: false, strict: false } })
const compileReply = SerializerSelector()({})

/** @throws Error when a schema cannot be compiled */
export function compileSchemas({ params, query, body, response }: AdminRoute): CompiledSchemas {
  const closed = { params: plain(params), query: closedObject(plain(query)), body: closedObject(plain(body)), response: plain(response) }
  return {
    schemas: closed,
    validators: {
      params: closed.params && validator(compileText, closed.params),
      query: closed.query && validator(compileText, closed.query),
      body: closed.body && validator(compileBody, closed.body),
    },
    serialize: closed.response && compileReply({ schema: closed.response, method: '', url: '', httpStatus: '200' }),
  }
}

/** The first fault as the refusal an administrator sees, such as `query.limit must be <= 1000`. */
export function validationRefused(faults: readonly SchemaFault[], part: string): AdminError {
  const fault = faults[0]
  const named = fault?.params?.missingProperty ?? fault?.params?.additionalProperty ?? fault?.params?.unevaluatedProperty
  const path = (fault?.instancePath ?? '').split('/').slice(1)
  if (typeof named === 'string') path.push(named)
  const field = [part === 'querystring' ? 'query' : part, ...path].join('.')
  const problem = fault?.params?.additionalProperty === undefined ? (fault?.message ?? 'is not valid') : 'is not known here'
  return new AdminError(400, 'validation', `${field} ${problem}`, field)
}

function validator(compile: typeof compileText, schema: object): Validator {
  return (compile as unknown as (part: { schema: object }) => Validator)({ schema })
}

/** Without TypeBox's own hidden keys, and a copy: nobody changes a schema that is in use. */
function plain(schema: TSchema | undefined): Record<string, unknown> | undefined {
  return schema && (JSON.parse(JSON.stringify(schema)) as Record<string, unknown>)
}

/** A misspelt filter that is ignored could delete too much, so objects refuse unknown keys unless their schema allows them. */
function closedObject(schema: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (!schema?.properties) return schema
  const properties = Object.entries(schema.properties).map(([key, inner]) => [key, closedObject(inner as Record<string, unknown>)])
  return { additionalProperties: false, ...schema, properties: Object.fromEntries(properties) }
}
