/** What administrators ask about one account: contacts, last login, sessions (XEP-0133 §4.8 to §4.10). */
import {
  type CommandOutcome,
  element,
  NS,
  type PresenceService,
  type RosterItem,
  type RosterService,
  type Sessions,
  StanzaError,
} from '@beaconfire/plugin-sdk'
import { type AdminCommand, result } from './admin-command.js'
import { accountField, accountsField, type Target, type TargetAccounts } from './target-accounts.js'

export interface QueryCollaborators {
  readonly sessions: Sessions
  readonly targets: TargetAccounts
  readonly roster: RosterService
  readonly presence: PresenceService
}

export function accountQueries(server: QueryCollaborators): AdminCommand[] {
  return [
    {
      name: 'get-user-roster',
      title: 'Get the roster of an account',
      fields: [accountsField],
      act: async (values) => rosterOf(server, await server.targets.several(values)),
    },
    {
      name: 'get-user-lastlogin',
      title: 'Get the last login of accounts',
      fields: [accountsField],
      act: async (values) => lastLogins(server, await server.targets.several(values)),
    },
    {
      name: 'user-stats',
      title: 'Get statistics of an account',
      fields: [accountField],
      act: async (values) => statistics(server, await server.targets.one(values)),
    },
  ]
}

/** §4.8 puts one roster beside the fields: of several accounts nobody could tell whose contact is whose. */
async function rosterOf({ roster }: QueryCollaborators, targets: readonly Target[]): Promise<CommandOutcome> {
  const [target, ...more] = targets
  if (!target || more.length > 0) throw new StanzaError('not-acceptable', { text: 'Ask for the roster of one account at a time.' })
  const items = [...(await roster.items(target.jid.bare())).values()].filter(isShown)
  const outcome = result({ name: 'accountjids', type: 'jid-multi', value: [target.jid.bare()] })
  outcome.result?.cnode(element('query', { xmlns: NS.roster }, ...items.map(itemElement)))
  return outcome
}

/** A request of a stranger that waits for an answer is no contact. */
function isShown({ subscription, pendingIn, pendingOut, approved, name, groups }: RosterItem): boolean {
  return subscription !== 'none' || !pendingIn || pendingOut || approved || name !== undefined || groups.length > 0
}

function itemElement({ jid, name, subscription, pendingOut, groups }: RosterItem) {
  const attributes = { jid: jid.toString(), name, subscription, ask: pendingOut ? 'subscribe' : undefined }
  return element('item', attributes, ...groups.map((group) => element('group', {}, group)))
}

/** For who is here the beginning of the latest session, for who is away the end of the last: no more is kept of a login. */
async function lastLogins(server: QueryCollaborators, targets: readonly Target[]): Promise<CommandOutcome> {
  const at = await Promise.all(targets.map((target) => lastLogin(server, target)))
  const unknown = targets.filter((_, index) => at[index] === undefined).map(({ jid }) => ({ text: `${jid.bare()}: no login is known.` }))
  const known = targets.filter((_, index) => at[index] !== undefined)
  const outcome = result(
    { name: 'accountjids', type: 'jid-multi', value: known.map(({ jid }) => jid.bare()) },
    { name: 'lastlogin', type: 'text-multi', value: at.flatMap((it) => it?.toISOString() ?? []) },
  )
  return { ...outcome, notes: unknown }
}

async function lastLogin({ sessions, presence }: QueryCollaborators, { jid }: Target): Promise<Date | undefined> {
  const begun = sessions.ofUser(jid).map((session) => session.connectedAt.getTime())
  return begun.length > 0 ? new Date(Math.max(...begun)) : (await presence.lastSeen(jid.bare()))?.at
}

async function statistics({ sessions, roster }: QueryCollaborators, { jid }: Target): Promise<CommandOutcome> {
  const own = sessions.ofUser(jid)
  const items = [...(await roster.items(jid.bare())).values()].filter(isShown)
  return result(
    { name: 'ipaddresses', type: 'list-multi', label: 'The IP addresses of its sessions', value: [...new Set(own.map((it) => it.remoteAddress))] },
    { name: 'rostersize', type: 'text-single', label: 'Contacts', value: items.length },
    { name: 'onlineresources', type: 'text-multi', label: 'Resources that are here', value: own.map((it) => it.jid.resource) },
  )
}
