/** `/sessions`: who is connected. */
import { AdminError, type AdminRoute, adminRoute, type ClientSession, Jid, type Sessions, Type } from '@beaconfire/plugin-sdk'
import { cursorSchema, limitSchema, pageOf, toPage } from './paging.js'

const sessionSchema = Type.Object({
  jid: Type.String(),
  id: Type.String(),
  remoteAddress: Type.String(),
  secure: Type.Boolean(),
  mechanism: Type.String(),
  connectedAt: Type.String({ format: 'date-time' }),
  available: Type.Boolean(),
  priority: Type.Integer(),
  show: Type.Optional(Type.String()),
  status: Type.Optional(Type.String()),
})
const byJid = Type.Object({ jid: Type.String({ minLength: 1, description: 'full JID, percent-encoded' }) })

export function sessionsRoutes(sessions: Sessions): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/sessions',
      summary: 'Lists sessions, by JID',
      query: Type.Object({ user: Type.Optional(Type.String({ minLength: 1, description: 'username' })), cursor: cursorSchema, limit: limitSchema }),
      response: pageOf(sessionSchema),
      handle({ query }) {
        const found = firstAfter(candidates(sessions, query.user), query.cursor ?? '', query.limit + 1)
        return toPage(found, query.limit, (last) => last.jid.toString(), view)
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/sessions/:jid',
      summary: 'One session',
      params: byJid,
      response: sessionSchema,
      handle: ({ params }) => view(find(sessions, params.jid)),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/sessions/:jid',
      summary: 'Closes a session, with the stream error policy-violation',
      params: byJid,
      handle: ({ params }) => find(sessions, params.jid).close('policy-violation', 'closed by an administrator'),
    }),
  ]
}

function* candidates(sessions: Sessions, user: string | undefined): Generator<ClientSession> {
  const wanted = user?.toLowerCase()
  for (const session of sessions.all()) if (wanted === undefined || session.jid.local === wanted) yield session
}

/** The `count` first after `cursor`, without sorting all: a page of a hundred thousand sessions must not stop the streams. */
function firstAfter(found: Iterable<ClientSession>, cursor: string, count: number): ClientSession[] {
  const kept: { readonly key: string; readonly session: ClientSession }[] = []
  for (const session of found) {
    const key = session.jid.toString()
    const largest = kept.length === count ? kept.at(-1) : undefined
    if (key <= cursor || (largest && key > largest.key)) continue
    const place = kept.findIndex((it) => key < it.key)
    kept.splice(place < 0 ? kept.length : place, 0, { key, session })
    if (kept.length > count) kept.pop()
  }
  return kept.map((it) => it.session)
}

function find(sessions: Sessions, text: string): ClientSession {
  const jid = Jid.tryParse(text)
  const session = jid?.isFull ? sessions.get(jid) : undefined
  if (!session) throw new AdminError(404, 'session-not-found', 'there is no such session')
  return session
}

function view(session: ClientSession) {
  const { id, remoteAddress, secure, mechanism, priority, presence } = session
  return {
    jid: session.jid.toString(),
    id,
    remoteAddress,
    secure,
    mechanism,
    connectedAt: session.connectedAt.toISOString(),
    available: session.isAvailable,
    priority,
    show: presence?.show,
    status: presence?.status,
  }
}
