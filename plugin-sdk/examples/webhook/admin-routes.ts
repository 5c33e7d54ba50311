/** The state of the queue, and the dead letters: listed, sent again, deleted. */
import { AdminError, type AdminRoute, adminRoute, Type } from '@beaconfire/plugin-sdk'
import type { BatchSender } from './batch-sender.js'
import type { EventStore, StoredEvent } from './event-store.js'

const status = Type.Object({
  waiting: Type.Integer(),
  dead: Type.Integer(),
  failures: Type.Integer({ description: 'attempts in a row that failed' }),
  lastError: Type.Optional(Type.String()),
  nextAttemptAt: Type.Optional(Type.String({ format: 'date-time' })),
})
const deadLetter = Type.Object({
  id: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
  attempts: Type.Integer(),
  error: Type.Optional(Type.String()),
  event: Type.Any(),
})
const byId = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) })
const resent = Type.Object({ resent: Type.Integer() })

export function adminRoutes(store: EventStore, sender: BatchSender): AdminRoute[] {
  const revive = async (id?: number): Promise<{ resent: number }> => {
    const revived = await store.revive(id)
    if (revived > 0) sender.queued(revived)
    return { resent: revived }
  }
  return [
    adminRoute({
      method: 'GET',
      path: '/status',
      summary: 'How many events wait, and whether the receiver takes them',
      response: status,
      async handle() {
        const { nextAttemptAt, ...rest } = sender.status()
        return { ...rest, dead: await store.count('dead'), nextAttemptAt: nextAttemptAt?.toISOString() }
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/dead',
      summary: 'Events that were given up, oldest first',
      query: Type.Object({
        limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
        cursor: Type.Integer({ minimum: 0, default: 0, description: '`nextCursor` of the page before' }),
      }),
      response: Type.Object({ items: Type.Array(deadLetter), nextCursor: Type.Optional(Type.Integer()) }),
      async handle({ query: { cursor, limit } }) {
        const found = await store.dead(cursor, limit)
        return { items: found.map(shown), nextCursor: found.length === limit ? found.at(-1)?.id : undefined }
      },
    }),
    adminRoute({ method: 'POST', path: '/dead/resend', summary: 'Queues all dead letters again', response: resent, handle: () => revive() }),
    adminRoute({
      method: 'POST',
      path: '/dead/:id/resend',
      summary: 'Queues a dead letter again',
      params: byId,
      response: resent,
      async handle({ params }) {
        const done = await revive(params.id)
        if (done.resent === 0) throw missing()
        return done
      },
    }),
    adminRoute({
      method: 'DELETE',
      path: '/dead/:id',
      summary: 'Deletes a dead letter',
      params: byId,
      async handle({ params }) {
        if (!(await store.removeDead(params.id))) throw missing()
      },
    }),
  ]
}

function shown({ id, createdAt, attempts, error, event }: StoredEvent) {
  return { id, createdAt: new Date(Number(createdAt)).toISOString(), attempts, error: error ?? undefined, event: JSON.parse(event) as unknown }
}

function missing(): AdminError {
  return new AdminError(404, 'dead-letter-not-found', 'there is no dead letter with this id')
}
