/** An entry of a roster as the server keeps it: what the user sees of it, and what is only the server's. Never changed in place. */
import { type Element, element, type Jid, type RosterItem } from '@beaconfire/plugin-sdk'
import type { SharedPart } from './shared-part.js'
import type { SubscriptionState } from './subscription-states.js'

export interface RosterEntry extends RosterItem {
  /** `rosterID`; undefined until it is stored. */
  readonly id: number | undefined
  /** The request's whole stanza while {@link RosterItem.pendingIn}, shown at every login until answered (§3.1.3). */
  readonly request: string | undefined
  /** What of this is there by shared groups alone, and is never stored. */
  readonly shared: SharedPart | undefined
}

/** An entry that is not stored yet and knows nothing but its JID. It has every property, so that all entries share a hidden class: they are many. */
export function newEntry(jid: Jid): RosterEntry {
  return {
    id: undefined,
    jid,
    name: undefined,
    groups: [],
    subscription: 'none',
    pendingOut: false,
    pendingIn: false,
    approved: false,
    listed: false,
    request: undefined,
    shared: undefined,
  }
}

/** The state of RFC 6121 A.1; pending flags that the subscription makes meaningless do not count. */
export function stateOf(entry: RosterItem | undefined): SubscriptionState {
  if (!entry) return 'none'
  const { subscription, pendingIn, pendingOut } = entry
  switch (subscription) {
    case 'both':
      return 'both'
    case 'to':
      return pendingIn ? 'to-in' : 'to'
    case 'from':
      return pendingOut ? 'from-out' : 'from'
    case 'none':
      if (pendingOut) return pendingIn ? 'none-out-in' : 'none-out'
      return pendingIn ? 'none-in' : 'none'
  }
}

/** The entry in another state. Whatever is more than a request alone is listed from then on. */
export function withState(entry: RosterEntry, state: SubscriptionState): RosterEntry {
  const [subscription] = state.split('-') as [RosterItem['subscription']]
  const pendingIn = state.endsWith('-in')
  const pendingOut = state.includes('-out')
  const listed = entry.listed || subscription !== 'none' || pendingOut
  return { ...entry, subscription, pendingIn, pendingOut, listed, request: pendingIn ? entry.request : undefined }
}

export function hasFrom(entry: Pick<RosterItem, 'subscription'> | undefined): boolean {
  return entry?.subscription === 'from' || entry?.subscription === 'both'
}
export function hasTo(entry: Pick<RosterItem, 'subscription'> | undefined): boolean {
  return entry?.subscription === 'to' || entry?.subscription === 'both'
}

/** `<item/>` as the user sees it (RFC 6121 §2.1.2). */
export function itemElement(entry: RosterEntry): Element {
  return element(
    'item',
    {
      jid: entry.jid.toString(),
      name: entry.name,
      subscription: entry.subscription,
      ask: entry.pendingOut ? 'subscribe' : undefined,
      approved: entry.approved ? 'true' : undefined,
    },
    ...entry.groups.map((group) => element('group', {}, group)),
  )
}
