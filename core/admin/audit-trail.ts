/** Every authenticated request that may change something, refused ones too, as it goes into the security audit log. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface AuditLog {
  record(entry: { readonly administrator: string; readonly summary: string; readonly details?: string | undefined }): Promise<void>
}

const SECRET = /password|token|secret/i
const REDACTED = '(redacted)'
const DEEPEST = 8

/**
 * Records one request, before its answer is sent: what an administrator saw done is on disk.
 * An entry that cannot be written is logged whole and the answer still sent, since the act is already done.
 */
export async function recordAct(audit: AuditLog, log: Logger, administrator: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const path = request.url.split('?', 1)[0] ?? ''
  const summary = `${request.method} ${path} → ${reply.statusCode}`
  const details = JSON.stringify({
    address: request.ip,
    params: redacted(request.params),
    query: redacted(request.query),
    body: redacted(request.body),
  })
  try {
    await audit.record({ administrator, summary, details })
  } catch (error) {
    log.error({ administrator, summary, details, error }, 'an administrative act could not be written to the audit log')
  }
}

/** A copy without the values of keys that name a secret, at any depth. */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  if (depth >= DEEPEST) return '(too deep)'
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, SECRET.test(key) ? REDACTED : redacted(inner, depth + 1)]))
}
