/** The chat log in the admin API: queried page by page, one message, exported, deleted by age. */
import { AdminError, type AdminRoute, adminRoute, type Jid, Type } from '@beaconfire/plugin-sdk'
import { readPage } from './chat-log-pages.js'
import type { ChatLogStore } from './chat-log-store.js'
import { exportedLog } from './export.js'
import type { LogReader, Source } from './log-reader.js'
import { listedMessage, loggedMessage, wholeMessage } from './logged-message.js'
import type { OpenfireArchive } from './openfire-archive.js'
import { cursorAt, filterSchema, invalid, pageSchema, positionOf, selectionOf, sourceSchema, timeOf } from './query-parameters.js'

const DAY_MS = 86_400_000
const DEFAULT_LIMIT = 50

export interface ChatLogRouteCollaborators {
  readonly store: ChatLogStore
  readonly archive: OpenfireArchive
  readonly domain: Jid
}

export function adminRoutes(server: ChatLogRouteCollaborators): AdminRoute[] {
  return [listRoute(server), exportRoute(server), oneRoute(server), deleteRoute(server)]
}

/** The log that is asked, with everything in it that was handed over before. @throws AdminError 404 where there is no such log */
async function readerOf({ store, archive }: ChatLogRouteCollaborators, source: Source): Promise<LogReader> {
  if (source === 'openfire') {
    await assertPresent(archive)
    return archive
  }
  await store.whenIdle()
  return store
}

async function assertPresent(archive: OpenfireArchive): Promise<void> {
  if (await archive.isPresent()) return
  throw new AdminError(404, 'archive-not-found', "there is no archive of Openfire's monitoring plugin in this database", 'query.source')
}

function listRoute(server: ChatLogRouteCollaborators): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/chatlogs',
    topLevel: true,
    summary: 'Logged messages of a user, a conversation, a room or all, page by page',
    query: pageSchema,
    response: Type.Object({ items: Type.Array(listedMessage), nextCursor: Type.Optional(Type.String()), total: Type.Optional(Type.Integer()) }),
    async handle({ query }) {
      const { text, source = 'own', order = 'newest', limit = DEFAULT_LIMIT } = query
      const selection = selectionOf(query, server.domain)
      const after = query.cursor === undefined ? undefined : positionOf(query.cursor, order, source)
      if (query.total && text !== undefined) throw invalid('total', 'cannot be asked together with text')
      const reader = await readerOf(server, source)
      const { rows, next } = await readPage(reader, { selection, text, order, after, limit })
      return {
        items: rows.map(loggedMessage),
        ...(next && { nextCursor: cursorAt(next, order, source) }),
        ...(query.total && { total: await reader.count(selection) }),
      }
    },
  })
}

function exportRoute(server: ChatLogRouteCollaborators): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/chatlogs/export',
    topLevel: true,
    summary: 'All messages that the filters select, as JSON lines or CSV; oldest first unless asked otherwise',
    query: Type.Object({ ...filterSchema, format: Type.Optional(Type.Enum(['jsonl', 'csv'], { default: 'jsonl' })) }),
    async handle({ query }) {
      const { text, source = 'own', order = 'oldest', format = 'jsonl' } = query
      const selection = selectionOf(query, server.domain)
      const reader = await readerOf(server, source)
      // What is sent from now on is not part of it: an export of a busy server ends too.
      return exportedLog(reader, { format, text, order, selection: { ...selection, to: selection.to ?? Date.now() + 1 } })
    },
  })
}

function oneRoute({ store, archive }: ChatLogRouteCollaborators): AdminRoute {
  return adminRoute({
    method: 'GET',
    path: '/chatlogs/:messageId',
    topLevel: true,
    summary: 'One logged message with its stanza',
    params: Type.Object({ messageId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }),
    query: Type.Object({
      source: Type.Optional(sourceSchema),
      at: Type.Optional(
        Type.Integer({ minimum: 0, description: 'createDate of the message; needed with source=openfire, whose archive has no index of ids' }),
      ),
    }),
    response: wholeMessage,
    async handle({ params, query }) {
      if (query.source === 'openfire') return archivedMessage(archive, params.messageId, query.at)
      await store.whenIdle()
      const row = await store.find(params.messageId)
      if (!row) throw new AdminError(404, 'message-not-found', 'there is no logged message with this id')
      return loggedMessage(row)
    },
  })
}

async function archivedMessage(archive: OpenfireArchive, messageId: number, at: number | undefined) {
  if (at === undefined) throw invalid('at', 'must be given with source=openfire')
  await assertPresent(archive)
  const found = await archive.find(messageId, at)
  if (!found) throw new AdminError(404, 'message-not-found', 'there is no archived message with this id and time')
  return { ...loggedMessage(found.row), ...(found.conversation && { conversation: found.conversation }) }
}

function deleteRoute({ store }: ChatLogRouteCollaborators): AdminRoute {
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
