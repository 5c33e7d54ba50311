/** What is kept for whom, in the admin API. */
import { AdminError, type AdminRoute, adminRoute, Jid, Type } from '@beaconfire/plugin-sdk'
import type { OfflineStore } from './offline-store.js'

const DEFAULT_LIMIT = 100

const mailbox = Type.Object({
  user: Type.String(),
  messages: Type.Integer(),
  size: Type.Integer({ description: 'Characters of all stanzas' }),
})

export function adminRoutes(store: OfflineStore, domain: Jid): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/counts',
      summary: 'Messages kept for absent users: of one user, or of all who have any, by name',
      query: Type.Object({
        user: Type.Optional(Type.String({ maxLength: 1023, description: 'Username' })),
        cursor: Type.Optional(Type.String({ maxLength: 200, description: '`nextCursor` of the page before' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: DEFAULT_LIMIT })),
      }),
      response: Type.Object({ items: Type.Array(mailbox), nextCursor: Type.Optional(Type.String()) }),
      async handle({ query: { user, cursor, limit = DEFAULT_LIMIT } }) {
        await store.whenIdle()
        if (user !== undefined) {
          const username = localpart(user, domain)
          const [found] = await store.counts({ user: username, limit: 1 })
          return { items: [found ?? { user: username, messages: 0, size: 0 }] }
        }
        const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString()
        const items = await store.counts({ after, limit: limit + 1 })
        if (items.length <= limit) return { items }
        items.pop()
        return { items, nextCursor: Buffer.from(items.at(-1)?.user ?? '').toString('base64url') }
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/total',
      summary: 'Messages kept for all absent users together',
      response: Type.Omit(mailbox, ['user']),
      async handle() {
        await store.whenIdle()
        return store.total()
      },
    }),
  ]
}

function localpart(user: string, domain: Jid): string {
  const jid = Jid.tryParse(user.includes('@') ? user : `${user}@${domain}`)
  if (!jid || jid.local === '') throw new AdminError(400, 'validation', 'query.user is no username', 'query.user')
  return jid.local
}
