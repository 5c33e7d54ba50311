/** What shared groups put into a roster: laid over what the user has put there, and taken off again before anything is stored. */
import type { Jid, Subscription } from '@beaconfire/plugin-sdk'
import { hasFrom, hasTo, newEntry, type RosterEntry } from './roster-entry.js'
import type { Direction, SubscriptionType } from './subscription-states.js'

/** One contact by shared groups; the same object for all who have it. */
export interface SharedPart {
  readonly jid: Jid
  /** Of the contact's account. */
  readonly name: string | undefined
  /** Names under which the contact is shown; none for one that only sees the user. */
  readonly groups: readonly string[]
  readonly subscription: Subscription
  /** The entry of a roster that has nothing else about the contact. */
  readonly alone: RosterEntry
}

export type SharedContacts = ReadonlyMap<string, SharedPart>

export function sharedPart(jid: Jid, name: string | undefined, groups: readonly string[], subscription: Subscription): SharedPart {
  const alone: RosterEntry = { ...newEntry(jid), name, groups, subscription, listed: hasTo({ subscription }) }
  const part: SharedPart & { alone: RosterEntry } = { jid, name, groups, subscription, alone }
  part.alone = { ...alone, shared: part }
  return part
}

/** The user does not have the contact by what is stored alone. */
export function withShared(own: RosterEntry | undefined, part: SharedPart | undefined): RosterEntry | undefined {
  if (!part || !own) return own ?? part?.alone
  const to = hasTo(own) || hasTo(part)
  const from = hasFrom(own) || hasFrom(part)
  return {
    ...own,
    name: own.name ?? part.name,
    groups: part.groups.every((it) => own.groups.includes(it)) ? own.groups : [...new Set([...own.groups, ...part.groups])],
    subscription: subscriptionOf(to, from),
    pendingOut: own.pendingOut && !to,
    pendingIn: own.pendingIn && !from,
    listed: own.listed || hasTo(part),
    shared: part,
  }
}

/**
 * What of a changed entry is the user's own.
 * @param before the entry as it was shown @param own as it was stored
 * @returns undefined when that is nothing
 */
export function withoutShared(after: RosterEntry, before: RosterEntry | undefined, own: RosterEntry | undefined): RosterEntry | undefined {
  const part = before?.shared
  if (!part) return after
  const base = own ?? newEntry(part.jid)
  const kept = <Value>(shown: Value, was: Value, stored: Value) => (shown === was ? stored : shown)
  const groups = after.groups.filter((it) => !part.groups.includes(it))
  const stripped: RosterEntry = {
    ...after,
    id: base.id,
    name: kept(after.name, before.name, base.name),
    groups: sameTexts(groups, base.groups) ? base.groups : groups,
    subscription: subscriptionOf(kept(hasTo(after), hasTo(before), hasTo(base)), kept(hasFrom(after), hasFrom(before), hasFrom(base))),
    pendingOut: kept(after.pendingOut, before.pendingOut, base.pendingOut),
    pendingIn: kept(after.pendingIn, before.pendingIn, base.pendingIn),
    request: after.request ?? base.request,
    listed: base.listed,
    shared: undefined,
  }
  const { name, subscription, pendingOut, pendingIn, approved } = stripped
  const isListed = base.listed || name !== undefined || stripped.groups.length > 0 || subscription !== 'none' || pendingOut || approved
  return isListed || pendingIn ? { ...stripped, listed: isListed } : undefined
}

/** A subscription that a shared group makes cannot be ended by either side. */
export function isPinned(entry: RosterEntry | undefined, direction: Direction, type: SubscriptionType): boolean {
  const part = entry?.shared
  if (!part || (type !== 'unsubscribe' && type !== 'unsubscribed')) return false
  const isOwn = (direction === 'outbound') === (type === 'unsubscribe')
  return isOwn ? hasTo(part) : hasFrom(part)
}

export function subscriptionOf(to: boolean, from: boolean): Subscription {
  return to ? (from ? 'both' : 'to') : from ? 'from' : 'none'
}

export function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((it, index) => it === other[index])
}
