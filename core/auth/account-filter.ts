/** Narrows a query over accounts to those that are looked for. */
import { type AccountFilter, toDateColumn } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'

const COLUMNS = { username: 'u.username', name: 'u.name', email: 'u.email' } as const

/** @param query over `ofUser as u`, joined with the lockout flag as `f` */
export function narrow(query: Knex.QueryBuilder, { search, searchIn = ['username', 'name', 'email'], disabled }: AccountFilter): void {
  if (search) {
    const pattern = `%${search.toLowerCase().replace(/[!%_]/g, '!$&')}%`
    void query.where((any) => {
      // Usernames are lower-case; how the others are compared is the table's matter, unless it is said here.
      for (const field of searchIn) {
        void any.orWhereRaw(field === 'username' ? `?? like ? escape '!'` : `lower(??) like ? escape '!'`, [COLUMNS[field], pattern])
      }
      if (searchIn.length === 0) void any.whereRaw('1 = 0')
    })
  }
  if (disabled === undefined) return
  const now = toDateColumn(Date.now())
  const isLockedOut = `f.name is not null and (f.startTime is null or f.startTime <= ?) and (f.endTime is null or f.endTime > ?)`
  void query.whereRaw(disabled ? `(${isLockedOut})` : `not (${isLockedOut})`, [now, now])
}
