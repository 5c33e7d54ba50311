/** The subscription state machine of RFC 6121 Appendix A, as a table: state × stanza type × direction. Pure. */

/** The nine states of Appendix A.1; `-out` and `-in` are "Pending Out" and "Pending In". */
export type SubscriptionState = 'none' | 'none-out' | 'none-in' | 'none-out-in' | 'to' | 'to-in' | 'from' | 'from-out' | 'both'
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'
/** `outbound`: the account sent it (A.2). `inbound`: it came for the account (A.3). */
export type Direction = 'outbound' | 'inbound'

export interface Transition {
  /** Outbound: it is routed to the contact. Inbound: it is delivered to the account's resources. */
  readonly passes: boolean
  readonly next: SubscriptionState
}

type Changes = Partial<Record<SubscriptionState, SubscriptionState>>
interface Rule {
  /** States that change, with what they become. A stanza that changes the state passes. */
  readonly changes: Changes
  /** States in which it passes although nothing changes. */
  readonly passesToo?: readonly SubscriptionState[]
}

export const STATES: readonly SubscriptionState[] = ['none', 'none-out', 'none-in', 'none-out-in', 'to', 'to-in', 'from', 'from-out', 'both']

/** What takes the contact's subscription, or request for one, away from it: the same whoever of the two does it. */
const CONTACT_LOSES: Changes = { 'none-in': 'none', 'none-out-in': 'none-out', 'to-in': 'to', from: 'none', 'from-out': 'none-out', both: 'to' }
/** What takes the account's own subscription, or request for one, away. */
const ACCOUNT_LOSES: Changes = { 'none-out': 'none', 'none-out-in': 'none-in', to: 'none', 'to-in': 'none-in', 'from-out': 'from', both: 'from' }

const RULES: Readonly<Record<Direction, Readonly<Record<SubscriptionType, Rule>>>> = {
  outbound: {
    // A.2.1, A.2.2: what the account asks for always reaches the contact, whose server may have forgotten.
    subscribe: { changes: { none: 'none-out', 'none-in': 'none-out-in', from: 'from-out' }, passesToo: STATES },
    unsubscribe: { changes: ACCOUNT_LOSES, passesToo: STATES },
    // A.2.3, A.2.4: an answer passes only when there is something to answer; otherwise it is about pre-approval (§3.4).
    subscribed: { changes: { 'none-in': 'from', 'none-out-in': 'from-out', 'to-in': 'both' } },
    unsubscribed: { changes: CONTACT_LOSES },
  },
  inbound: {
    // A.3.1: in the states with `from` the server answers by itself (§3.1.3); a request that already waits is not shown again.
    subscribe: { changes: { none: 'none-in', 'none-out': 'none-out-in', to: 'to-in' } },
    unsubscribe: { changes: CONTACT_LOSES },
    subscribed: { changes: { 'none-out': 'to', 'none-out-in': 'to-in', 'from-out': 'both' } },
    unsubscribed: { changes: ACCOUNT_LOSES },
  },
}

/** What a stanza does in this state, and whether it goes on. */
export function transition(direction: Direction, type: SubscriptionType, state: SubscriptionState): Transition {
  const { changes, passesToo } = RULES[direction][type]
  const next = changes[state]
  return { passes: next !== undefined || (passesToo?.includes(state) ?? false), next: next ?? state }
}

export function isSubscriptionType(type: string): type is SubscriptionType {
  return type === 'subscribe' || type === 'subscribed' || type === 'unsubscribe' || type === 'unsubscribed'
}
