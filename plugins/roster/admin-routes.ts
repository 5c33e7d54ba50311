/** Admin routes: the roster of an account, to look at. */
import { type Accounts, AdminError, type AdminRoute, adminRoute, Jid, Type } from '@beaconfire/plugin-sdk'
import type { Rosters } from './rosters.js'

const item = Type.Object({
  jid: Type.String(),
  name: Type.Optional(Type.String()),
  groups: Type.Array(Type.String()),
  subscription: Type.String(),
  pendingOut: Type.Boolean(),
  pendingIn: Type.Boolean(),
  approved: Type.Boolean(),
})

export function adminRoutes(rosters: Rosters, accounts: Pick<Accounts, 'exists'>, domain: Jid): AdminRoute[] {
  return [
    adminRoute({
      method: 'GET',
      path: '/users/:username',
      summary: "An account's contacts, and who waits for its approval",
      params: Type.Object({ username: Type.String() }),
      response: Type.Object({ items: Type.Array(item) }),
      async handle({ params }) {
        const user = Jid.tryParse(`${params.username}@${domain}`)
        if (!user?.isBare || user.domain !== domain.domain || !(await accounts.exists(user.local))) {
          throw new AdminError(404, 'user-not-found', 'There is no such user.', 'username')
        }
        const { entries } = await rosters.of(user)
        return { items: [...entries.values()].map(({ jid, ...entry }) => ({ ...entry, jid: jid.toString() })) }
      },
    }),
  ]
}
