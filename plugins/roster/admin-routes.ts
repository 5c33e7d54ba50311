/** Admin routes: the roster of an account, to look at; shared groups, to be read again. */
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

export interface AdminRouteCollaborators {
  readonly rosters: Rosters
  readonly accounts: Pick<Accounts, 'exists'>
  readonly domain: Jid
  /** @returns rosters that changed */
  reloadGroups(): Promise<number>
}

export function adminRoutes({ rosters, accounts, domain, reloadGroups }: AdminRouteCollaborators): AdminRoute[] {
  return [
    adminRoute({
      method: 'POST',
      path: '/shared-groups/reload',
      summary: 'Reads the groups that are shown in rosters again, after they were changed in the database',
      response: Type.Object({ changedRosters: Type.Integer() }),
      handle: async () => ({ changedRosters: await reloadGroups() }),
    }),
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
