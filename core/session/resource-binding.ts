/** Which full JID a client gets when it binds (RFC 6120 §7), and what happens to the session that has it already. */
import { randomUUID } from 'node:crypto'
import { type Jid, JidError, StanzaError } from '@beaconfire/plugin-sdk'

export type ResourceConflictPolicy = 'kick-old' | 'reject-new' | 'rename'

/** Resources one account may bind at a time. */
const MAX_RESOURCES = 100

export interface BoundSessions {
  get(fullJid: Jid): { close(condition: 'conflict', text: string): void } | undefined
  ofUser(jid: Jid): readonly unknown[]
}

/**
 * Settles the full JID for a new session; afterwards it is free.
 * @throws StanzaError bad-request (no valid resource), conflict (taken, policy `reject-new`), resource-constraint
 */
export function settleFullJid(account: Jid, wanted: string | undefined, sessions: BoundSessions, policy: ResourceConflictPolicy): Jid {
  const jid = withResource(account, wanted ?? randomUUID())
  const taken = sessions.get(jid)
  if (!taken) {
    if (sessions.ofUser(account).length >= MAX_RESOURCES) throw new StanzaError('resource-constraint', { text: 'Too many sessions of this account.' })
    return jid
  }
  if (policy === 'reject-new') throw new StanzaError('conflict')
  if (policy === 'rename') return withResource(account, `${jid.resource.slice(0, 900)}-${randomUUID()}`)
  taken.close('conflict', 'Replaced by a new connection.')
  return jid
}

function withResource(account: Jid, resource: string): Jid {
  try {
    return account.withResource(resource)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('bad-request', { text: error.message })
    throw error
  }
}
