/** The roster's iq (RFC 6121 §2): get, set, remove. */
import { element, type IqHandler, type IqRequest, isClientSession, type Jid, NS, StanzaError, whenDone } from '@beaconfire/plugin-sdk'
import type { RosterConfig } from './config.js'
import { readItemRequest } from './item-request.js'
import { hasTo, itemElement, type RosterEntry } from './roster-entry.js'
import type { RosterPushes } from './roster-pushes.js'
import { entryFor, type RosterChange, type Rosters } from './rosters.js'
import { sameTexts } from './shared-part.js'
import type { Subscriptions } from './subscriptions.js'

export interface RosterQueryCollaborators {
  readonly rosters: Rosters
  readonly pushes: RosterPushes
  readonly subscriptions: Subscriptions
  readonly limits: RosterConfig
  /** True for a name that shared groups are shown under. */
  isSharedName(group: string): boolean
}

/** Requests for another account's roster are taken too, to be refused with `forbidden` (§2.3.3). */
export function rosterQuery(server: RosterQueryCollaborators): IqHandler {
  return {
    namespace: NS.roster,
    element: 'query',
    targets: ['own-account', 'other-account'],
    handle(request) {
      if (request.target !== 'own-account') throw new StanzaError('forbidden')
      return request.iq.type === 'get' ? answerGet(server, request) : answerSet(server, request)
    },
  }
}

function answerGet({ rosters, pushes }: RosterQueryCollaborators, { session, payload }: IqRequest) {
  return whenDone(rosters.of(session.jid), (roster) => {
    if (isClientSession(session)) pushes.addInterested(session)
    // §2.6.3: nothing to send when the client has this version.
    if (payload.attrs.ver === roster.version) return undefined
    const items = [...roster.entries.values()].filter((entry) => entry.listed).map(itemElement)
    return element('query', { xmlns: NS.roster, ver: roster.version }, ...items)
  })
}

/** The result goes before the push that shows the change (§2.3.2, §2.4.2); that of a removal, when all is ended (§2.5.2). */
async function answerSet(server: RosterQueryCollaborators, request: IqRequest): Promise<void> {
  const wanted = readItemRequest(request.payload, server.limits)
  const user = request.session.jid.bare()
  if (wanted.jid.equals(user)) throw new StanzaError('not-allowed', { text: 'Nobody is a contact of their own.' })
  if (wanted.kind === 'remove') return removeItem(server, user, wanted.jid)
  await server.rosters.change(user, (change) => setItem(server, request, change, wanted))
}

async function setItem(
  { pushes, subscriptions, isSharedName }: RosterQueryCollaborators,
  request: IqRequest,
  change: RosterChange,
  { jid, name, groups }: { readonly jid: Jid; readonly name: string | undefined; readonly groups: readonly string[] },
): Promise<void> {
  const before = change.roster.entry(jid)
  // Who is in a shared group is not the user's to say, nor is a group of the same name.
  if (groups.some((it) => isSharedName(it) && !before?.groups.includes(it)))
    throw new StanzaError('not-acceptable', { text: 'This group is shared.' })
  subscriptions.assertRoom(change, before)
  const entry: RosterEntry = { ...entryFor(change.roster, jid), name, groups: sameGroups(before, groups) ?? groups, listed: true }
  const saved = await change.save(entry)
  await request.answer()
  await pushes.push(change.roster, saved)
}

async function removeItem({ rosters, pushes, subscriptions }: RosterQueryCollaborators, user: Jid, contact: Jid): Promise<void> {
  const removed = await rosters.change(user, async (change) => {
    const entry = change.roster.entry(contact)
    if (!entry?.listed) throw new StanzaError('item-not-found')
    if (entry.shared && hasTo(entry.shared)) throw new StanzaError('not-acceptable', { text: 'The contact is in a shared group.' })
    const own = change.roster.own.get(entry.jid.toString()) ?? entry
    await change.remove(own)
    await pushes.pushRemoval(change.roster, contact)
    return own
  })
  await subscriptions.cancel(user, removed)
}

/** The groups the entry has, when they are the same: the store then leaves them alone. */
function sameGroups(before: RosterEntry | undefined, groups: readonly string[]): readonly string[] | undefined {
  const known = before?.groups
  return known && sameTexts(known, groups) ? known : undefined
}
