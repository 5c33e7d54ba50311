/** The log in the admin API: searched page by page, or exported. */
import { Readable } from 'node:stream'
import { AdminError, type AdminRoute, adminRoute, Jid, type Static, Type } from '@beaconfire/plugin-sdk'
import type { Position, Selection, StanzaRow, StanzaStore } from './stanza-store.js'

const EXPORT_PAGE = 500

const selection = Type.Object({
  user: Type.Optional(Type.String({ minLength: 1, maxLength: 3071, description: 'username or JID: what it sent or got' })),
  kind: Type.Optional(Type.Enum(['message', 'presence', 'iq'])),
  type: Type.Optional(Type.String({ minLength: 1, maxLength: 20 })),
  stanzaId: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'the `id` that its sender gave it' })),
  from: Type.Optional(Type.String({ format: 'date-time', description: 'inclusive' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'exclusive' })),
})
const stanza = Type.Object({
  id: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  kind: Type.String(),
  type: Type.String(),
  from: Type.String({ description: 'bare JID' }),
  to: Type.String({ description: 'bare JID; empty where the stanza has none' }),
  stanzaId: Type.Optional(Type.String()),
  incoming: Type.Boolean({ description: 'read from the session, or handed to it' }),
  session: Type.String(),
  address: Type.String(),
  detail: Type.String({ description: 'the stanza as XML' }),
})

/** @param domain that a username without one is of */
export function adminRoutes(store: StanzaStore, domain: Jid): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/stanzas',
      summary: 'Stanzas that passed, newest first',
      query: Type.Object({
        ...selection.properties,
        limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
        cursor: Type.Optional(Type.String({ pattern: '^\\d{1,15}-\\d{1,15}$', description: '`nextCursor` of the page before' })),
      }),
      response: Type.Object({ items: Type.Array(stanza), nextCursor: Type.Optional(Type.String()) }),
      async handle({ query: { limit, cursor, ...wanted } }) {
        const rows = await store.read(selected(wanted, domain), cursor === undefined ? undefined : positionOf(cursor), limit)
        const last = rows.at(-1)
        return { items: rows.map(shown), nextCursor: last && rows.length === limit ? `${last.at}-${last.id}` : undefined }
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/export',
      summary: 'All stanzas that fit as JSON lines, newest first',
      query: selection,
      handle({ query }) {
        const lines = exported(store, selected(query, domain))
        return { contentType: 'application/jsonl', fileName: 'stanzas.jsonl', stream: Readable.from(lines) }
      },
    }),
  ]
}

async function* exported(store: StanzaStore, wanted: Selection): AsyncGenerator<string> {
  let after: Position | undefined
  do {
    const rows = await store.read(wanted, after, EXPORT_PAGE)
    for (const row of rows) yield `${JSON.stringify(shown(row))}\n`
    after = rows.length < EXPORT_PAGE ? undefined : rows.at(-1)
  } while (after)
}

function selected({ user, from, to, ...rest }: Static<typeof selection>, domain: Jid): Selection {
  const jid = user === undefined ? undefined : Jid.tryParse(user.includes('@') ? user : `${user}@${domain}`)
  if (user !== undefined && !jid) throw new AdminError(400, 'validation', 'query.user is no JID', 'query.user')
  return { ...rest, user: jid?.bare().toString(), from: momentOf(from), to: momentOf(to) }
}

function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

function positionOf(cursor: string): Position {
  const [at, id] = cursor.split('-').map(Number) as [number, number]
  return { at, id }
}

function shown({ at, sender, receiver, stanzaId, incoming, ...rest }: StanzaRow) {
  return { ...rest, at: new Date(Number(at)).toISOString(), from: sender, to: receiver, stanzaId: stanzaId ?? undefined, incoming: incoming === 1 }
}
