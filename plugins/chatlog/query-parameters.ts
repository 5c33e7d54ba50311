/** What the admin API's callers ask of the log, checked; a refusal names the parameter. */
import { AdminError, Jid, JidError, type Static, Type } from '@beaconfire/plugin-sdk'
import type { Order, Position, Selection } from './chat-log-store.js'
import { jidColumn } from './jid-column.js'
import type { Source } from './log-reader.js'

const MOST_PER_PAGE = 500

const user = Type.String({ maxLength: 3071, description: 'Username or bare JID: messages sent or received' })
const instant = (what: string) =>
  Type.String({ maxLength: 32, description: `${what}: epoch milliseconds, a date, or a date and time with its zone (ISO 8601)` })

export const sourceSchema = Type.Enum(['own', 'openfire'], {
  default: 'own',
  description: "openfire: the archive of Openfire's monitoring plugin, where the database is that of such an installation",
})

export const filterSchema = {
  source: Type.Optional(sourceSchema),
  user: Type.Optional(user),
  with: Type.Optional(Type.String({ maxLength: 3071, description: 'Username or bare JID of the other; together with user' })),
  room: Type.Optional(Type.String({ maxLength: 3071, description: 'JID of a room' })),
  text: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'Part of the body, in any case' })),
  from: Type.Optional(instant('Not sent before')),
  to: Type.Optional(instant('Sent before')),
  order: Type.Optional(Type.Enum(['newest', 'oldest'], { description: 'Which comes first' })),
}

export const pageSchema = Type.Object({
  ...filterSchema,
  cursor: Type.Optional(Type.String({ maxLength: 100, description: '`nextCursor` of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_PER_PAGE, default: 50 })),
  total: Type.Optional(Type.Boolean({ description: 'Count all that the filters select; not together with text' })),
})

const filters = Type.Object(filterSchema)
export type Filters = Static<typeof filters>

/** @throws AdminError 400 */
export function selectionOf(query: Filters, domain: Jid): Selection {
  if (query.with !== undefined && query.user === undefined) throw invalid('with', 'needs the parameter user')
  if (query.with !== undefined && query.room !== undefined) throw invalid('with', 'cannot be asked together with room')
  return {
    user: query.user === undefined ? undefined : account('user', query.user, domain),
    with: query.with === undefined ? undefined : account('with', query.with, domain),
    room: query.room === undefined ? undefined : address('room', query.room),
    from: query.from === undefined ? undefined : timeOf('from', query.from),
    to: query.to === undefined ? undefined : timeOf('to', query.to),
  }
}

function account(field: string, text: string, domain: Jid): string {
  return address(field, text.includes('@') ? text : `${text}@${domain}`)
}

function address(field: string, text: string): string {
  try {
    const jid = Jid.parse(text)
    if (jid.local === '') throw invalid(field, 'is no address of a user or room')
    return jidColumn(jid)
  } catch (error) {
    if (error instanceof JidError) throw invalid(field, error.message)
    throw error
  }
}

const EPOCH = /^\d{1,15}$/
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** Epoch milliseconds. A time without zone is refused: it would mean another instant on every machine. @throws AdminError 400 */
export function timeOf(field: string, text: string): number {
  const at = EPOCH.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw invalid(field, 'is neither epoch milliseconds nor an ISO 8601 date, or time with zone (a "+" is written %2B in an address)')
  return at
}

/** Opaque to callers: source, order, time and id of the last row they have, and how many of these they have. */
export function cursorAt({ createDate, messageID, seen }: Position, order: Order, source: Source = 'own'): string {
  return Buffer.from(`${source === 'own' ? '' : `${source}.`}${order}.${createDate}.${messageID}${seen === undefined ? '' : `.${seen}`}`).toString(
    'base64url',
  )
}

const CURSOR = /^(?:(openfire)\.)?(newest|oldest)\.(\d{1,15})\.(\d{1,16})(?:\.(\d{1,5}))?$/

/** @throws AdminError 400 when it is none, or one of the other order or source */
export function positionOf(cursor: string, order: Order, source: Source = 'own'): Position {
  const [, ofSource = 'own', ofOrder, createDate, messageID, seen] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (ofOrder === undefined) throw invalid('cursor', 'is no cursor of this API')
  if (ofSource !== source) throw invalid('cursor', `is one of source=${ofSource}`)
  if (ofOrder !== order) throw invalid('cursor', `is one of order=${ofOrder}`)
  return { createDate: Number(createDate), messageID: Number(messageID), ...(seen !== undefined && { seen: Number(seen) }) }
}

/** The same shape as a refusal by the route's schema. */
export function invalid(parameter: string, what: string): AdminError {
  const field = `query.${parameter}`
  return new AdminError(400, 'validation', `${field} ${what}`, field)
}
