/** One privacy list (XEP-0016 §2.1): its rules in order, and whom they keep from what. */
import type { Jid, RosterItem, Subscription } from '@beaconfire/plugin-sdk'

/** What a rule can be limited to. */
export type StanzaPart = 'message' | 'iq' | 'presence-in' | 'presence-out'

/**
 * What is judged. `other` is what only rules for everything are about: requests for subscriptions and answers to them, and all that the
 * user sends but presence.
 */
export type Traffic = StanzaPart | 'other'

export type Match =
  | { readonly type: 'jid'; readonly jid: Jid }
  | { readonly type: 'group'; readonly group: string }
  | { readonly type: 'subscription'; readonly subscription: Subscription }

export interface PrivacyItem {
  /** Unsigned, 32 bits; unique in its list. */
  readonly order: number
  readonly action: 'allow' | 'deny'
  /** Undefined for the rule that is for everybody. */
  readonly match: Match | undefined
  /** Undefined for everything. */
  readonly parts: ReadonlySet<StanzaPart> | undefined
}

export class PrivacyList {
  readonly name: string
  /** In order. */
  readonly items: readonly PrivacyItem[]
  /** True when a rule looks at groups or subscriptions. */
  readonly needsRoster: boolean

  constructor(name: string, items: readonly PrivacyItem[]) {
    this.name = name
    this.items = [...items].sort((a, b) => a.order - b.order)
    this.needsRoster = items.some(({ match }) => match !== undefined && match.type !== 'jid')
  }

  /**
   * The first rule about this traffic with `peer` decides; none allows (§2.2 rules 5 to 7).
   * @param contact the roster's item for the peer, where {@link needsRoster}
   * @returns the rule that denies, if one does
   */
  deniedBy(traffic: Traffic, peer: Jid, contact: RosterItem | undefined): PrivacyItem | undefined {
    for (const item of this.items) {
      if (item.parts && (traffic === 'other' || !item.parts.has(traffic))) continue
      if (item.match && !matches(item.match, peer, contact)) continue
      return item.action === 'deny' ? item : undefined
    }
    return undefined
  }

  /** The addresses it blocks as the blocking command does, in order (XEP-0191 §5). */
  blocked(): Jid[] {
    return this.items.flatMap((item) => (isBlock(item) ? item.match.jid : []))
  }
}

export type BlockItem = PrivacyItem & { readonly match: { readonly type: 'jid'; readonly jid: Jid } }

/** True for what a block list can show: an address that is denied everything. */
export function isBlock(item: PrivacyItem): item is BlockItem {
  return item.action === 'deny' && item.match?.type === 'jid' && item.parts === undefined
}

function matches(match: Match, peer: Jid, contact: RosterItem | undefined): boolean {
  switch (match.type) {
    case 'jid':
      return matchesJid(match.jid, peer)
    case 'group':
      return contact?.groups.includes(match.group) ?? false
    case 'subscription':
      return (contact?.subscription ?? 'none') === match.subscription
  }
}

/** XEP-0016 §2.1: a resource only itself, an account all its resources, a domain all that is at it. */
function matchesJid(rule: Jid, peer: Jid): boolean {
  if (rule.domain !== peer.domain) return false
  if (rule.isFull) return rule.equals(peer)
  return rule.local === '' || rule.local === peer.local
}
