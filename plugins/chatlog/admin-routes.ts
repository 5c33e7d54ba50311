/** The chat log in the admin API: queried page by page, one message, exported, deleted by age. */
import { AdminError, type AdminRoute, adminRoute, type Jid, Type } from '@beaconfire/plugin-sdk'
import { readPage } from './chat-log-pages.js'
import type { ChatLogStore } from './chat-log-store.js'
import { exportedLog } from './export.js'
import { listedMessage, loggedMessage, wholeMessage } from './logged-message.js'
import { cursorAt, filterSchema, invalid, pageSchema, positionOf, selectionOf, timeOf } from './query-parameters.js'

const DAY_MS = 86_400_000
const DEFAULT_LIMIT = 50

export function adminRoutes(store: ChatLogStore, domain: Jid): AdminRoute[] {
  return [listRoute(store, domain), exportRoute(store, domain), oneRoute(store), deleteRoute(store)]
}

function listRoute(store: ChatLogStore, domain: Jid): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/chatlogs',
    topLevel: true,
    summary: 'Logged messages of a user, a conversation, a room or all, page by page',
    query: pageSchema,
    response: Type.Object({ items: Type.Array(listedMessage), nextCursor: Type.Optional(Type.String()), total: Type.Optional(Type.Integer()) }),
    async handle({ query }) {
      const { text, order = 'newest', limit = DEFAULT_LIMIT } = query
      const selection = selectionOf(query, domain)
      const after = query.cursor === undefined ? undefined : positionOf(query.cursor, order)
      if (query.total && text !== undefined) throw invalid('total', 'cannot be asked together with text')
      await store.whenIdle() // so that what was handed over before this call is in it
      const { rows, next } = await readPage(store, { selection, text, order, after, limit })
      return {
        items: rows.map(loggedMessage),
        ...(next && { nextCursor: cursorAt(next, order) }),
        ...(query.total && { total: await store.count(selection) }),
      }
    },
  })
}

function exportRoute(store: ChatLogStore, domain: Jid): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/chatlogs/export',
    topLevel: true,
    summary: 'All messages that the filters select, as JSON lines or CSV; oldest first unless asked otherwise',
    query: Type.Object({ ...filterSchema, format: Type.Optional(Type.Enum(['jsonl', 'csv'], { default: 'jsonl' })) }),
    async handle({ query }) {
      const { text, order = 'oldest', format = 'jsonl' } = query
      const selection = selectionOf(query, domain)
      await store.whenIdle()
      // What is sent from now on is not part of it: an export of a busy server ends too.
      return exportedLog(store, { format, text, order, selection: { ...selection, to: selection.to ?? Date.now() + 1 } })
    },
  })
}

function oneRoute(store: ChatLogStore): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/chatlogs/:messageId',
    topLevel: true,
    summary: 'One logged message with its stanza',
    params: Type.Object({ messageId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }),
    response: wholeMessage,
    async handle({ params }) {
      await store.whenIdle()
      const row = await store.find(params.messageId)
      if (!row) throw new AdminError(404, 'message-not-found', 'there is no logged message with this id')
      return loggedMessage(row)
    },
  })
}

function deleteRoute(store: ChatLogStore): AdminRoute {
  return adminRoute({
    method: 'DELETE',
    path: '/chatlogs',
    topLevel: true,
    summary: 'Delete all messages before a time, or older than so many days',
    query: Type.Object({
      olderThanDays: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
      before: Type.Optional(Type.String({ maxLength: 32, description: 'Epoch milliseconds, or ISO 8601' })),
    }),
    response: Type.Object({ deleted: Type.Integer() }),
    async handle({ query: { olderThanDays, before } }) {
      // A slip must not empty the log: which messages has to be said, in one way.
      if (olderThanDays === undefined && before === undefined) throw invalid('before', 'or olderThanDays must be given')
      if (olderThanDays !== undefined && before !== undefined) throw invalid('before', 'cannot be given together with olderThanDays')
      await store.whenIdle()
      const limit = before === undefined ? daysAgo(olderThanDays ?? 0) : timeOf('before', before)
      return { deleted: await store.deleteBefore(limit) }
    },
  })
}

/** Epoch milliseconds. */
export function daysAgo(days: number): number {
  return Date.now() - days * DAY_MS
}
