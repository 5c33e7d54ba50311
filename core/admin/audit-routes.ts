/** `/audit`: what administrators did. */
import { type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { AuditQuery, RecordedEntry } from '../auth/security-audit.js'
import { askFor, limitSchema, pageOf, toPage } from './paging.js'

export interface AuditReader {
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly RecordedEntry[]>
}

const entrySchema = Type.Object({
  id: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  administrator: Type.String(),
  summary: Type.String(),
  node: Type.String(),
  details: Type.Optional(Type.String()),
})
const time = Type.Optional(Type.String({ format: 'date-time' }))
const cursor = Type.Optional(Type.Integer({ minimum: 1, description: '`next` of the page before' }))

export function auditRoutes(audit: AuditReader): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/audit',
      summary: 'Lists administrative acts, newest first',
      query: Type.Object({ administrator: Type.Optional(Type.String({ minLength: 1 })), from: time, to: time, cursor, limit: limitSchema }),
      response: pageOf(entrySchema),
      async handle({ query }) {
        const { administrator, limit } = query
        const found = await audit.list({ administrator, from: toDate(query.from), to: toDate(query.to), before: query.cursor, limit: askFor(limit) })
        return toPage(
          found,
          limit,
          (last) => String(last.id),
          (entry) => ({ ...entry, at: entry.at.toISOString() }),
        )
      },
    }),
  ]
}

function toDate(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}
