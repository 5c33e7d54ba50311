/** Who is limited, and the pardon. */
import { AdminError, type AdminRoute, adminRoute, Jid, Type } from '@beaconfire/plugin-sdk'
import type { Buckets } from './buckets.js'

const limited = Type.Object({
  user: Type.String({ description: 'bare JID' }),
  refused: Type.Integer({ description: 'stanzas, since the account was last silent long enough' }),
  lastRefused: Type.String({ description: 'message, presence or iq' }),
  lastRefusedAt: Type.String({ format: 'date-time' }),
  waitMs: Type.Integer({ description: 'until such a stanza goes through' }),
})

/** @param domain that a username without one is of */
export function adminRoutes(buckets: Buckets, domain: Jid): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/limited',
      summary: 'Accounts that stanzas were refused to, the last first',
      query: Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }) }),
      response: Type.Object({ items: Type.Array(limited), total: Type.Integer() }),
      handle({ query: { limit } }) {
        const all = buckets.limited()
        return { items: all.slice(0, limit).map((it) => ({ ...it, lastRefusedAt: new Date(it.lastRefusedAt).toISOString() })), total: all.length }
      },
    }),
    adminRoute({
      method: 'DELETE',
      path: '/limited/:user',
      summary: 'Gives an account full buckets again',
      params: Type.Object({ user: Type.String({ minLength: 1, maxLength: 3071, description: 'username or bare JID' }) }),
      handle({ params: { user } }) {
        const jid = Jid.tryParse(user.includes('@') ? user : `${user}@${domain}`)
        if (!jid || !buckets.forgive(jid.bare().toString())) {
          throw new AdminError(404, 'account-not-limited', 'nothing is remembered of this account: its buckets are full')
        }
      },
    }),
  ]
}
