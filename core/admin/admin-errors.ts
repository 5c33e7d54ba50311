/** How the admin API says no: JSON of one shape, `{ statusCode, code, message, field? }`, and nothing of the inside. */
import { randomUUID } from 'node:crypto'
import { AdminError, type Logger } from '@beaconfire/plugin-sdk'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface ErrorBody {
  readonly statusCode: number
  readonly code: string
  readonly message: string
  readonly field?: string | undefined
  /** Of the log line that tells more. */
  readonly id?: string | undefined
}

export function errorBody(statusCode: number, code: string, message: string, more: { field?: string | undefined; id?: string } = {}): ErrorBody {
  return { statusCode, code, message, ...more }
}

/** What Fastify itself refuses before a handler runs. */
const REFUSED_BY_FASTIFY: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ['bad-request', 'the request cannot be read'],
  404: ['not-found', 'there is no such resource'],
  413: ['too-large', 'the body is larger than is taken here'],
  414: ['uri-too-long', 'a parameter of the path is too long'],
  415: ['unsupported-media-type', 'the body must be application/json, or, where a file is taken, application/octet-stream'],
}

export function errorHandler(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const body = toBody(error) ?? unexpected(error, request, log)
    return reply.code(body.statusCode).type('application/json; charset=utf-8').serializer(JSON.stringify).send(body)
  }
}

export function notFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send(errorBody(404, 'not-found', 'there is no such resource'))
}

/** By name too: a plugin from elsewhere may bring its own copy of the SDK. */
function isAdminError(error: unknown): error is AdminError {
  if (error instanceof AdminError) return true
  if (!(error instanceof Error) || error.name !== 'AdminError') return false
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600
}

function toBody(error: unknown): ErrorBody | undefined {
  if (isAdminError(error)) return errorBody(error.statusCode, error.code, error.message, { field: error.field })
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  if (typeof statusCode !== 'number' || statusCode >= 500 || typeof code !== 'string' || !code.startsWith('FST_')) return undefined
  const [name, message] = REFUSED_BY_FASTIFY[statusCode] ?? ['refused', 'the request was refused']
  return errorBody(statusCode, name, message)
}

function unexpected(error: unknown, request: FastifyRequest, log: Logger): ErrorBody {
  const id = randomUUID()
  log.error({ id, method: request.method, route: request.routeOptions.url, error }, 'an admin request failed')
  return errorBody(500, 'internal', 'internal error; the server log tells more under this id', { id })
}
