/** What a reload of the plugin must not forget: which resources are interested in pushes. */
import { Jid, type Sessions } from '@beaconfire/plugin-sdk'
import type { RosterPushes } from './roster-pushes.js'

/** @param state what the version before saved; anything else is ignored, since another version may save another shape */
export function restoreInterested(state: unknown, sessions: Sessions, pushes: RosterPushes): void {
  if (!Array.isArray(state)) return
  for (const text of state) {
    const jid = typeof text === 'string' ? Jid.tryParse(text) : undefined
    const session = jid && sessions.get(jid)
    if (session) pushes.addInterested(session)
  }
}
