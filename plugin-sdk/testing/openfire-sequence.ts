/** Asserts in which order the chain was called (design §2): the sequences that authors of Openfire plugins know. */
import { AssertionError } from 'node:assert'
import type { Recorder } from './record-interceptor.js'
import { lineDifference } from './stanza-difference.js'

/** A JID, or whoever has one. */
type Party = string | { readonly jid: { toString(): string } }

export interface OpenfireSequence {
  /** To users who are online: IN-pre(S), for each of them OUT-pre(R) and OUT-post(R), IN-post(S). */
  toOnline(sender: Party, ...recipients: readonly Party[]): void
  /** To a user who is absent, or to the server itself: IN-pre(S), IN-post(S). */
  toAbsent(sender: Party): void
  /** What was kept is handed over: OUT-pre(R), OUT-post(R). */
  atLogin(recipient: Party): void
  /** Rejected before it was routed: IN-pre(S), and its error goes OUT-pre(S), OUT-post(S), unless it was rejected in silence. */
  rejectedIncoming(sender: Party, options?: { readonly silent?: boolean }): void
  /** Kept from one recipient: IN-pre(S), OUT-pre(R), IN-post(S). */
  rejectedOutgoing(sender: Party, recipient: Party): void
  /** Any other, as `['IN-pre romeo@test/a', …]`. */
  is(expected: readonly string[]): void
}

/**
 * Of all that was recorded since the last assertion, which begins anew with each. Let the sender `sync` before: IN-post comes last.
 * Each assertion throws an AssertionError that shows both sequences beside each other.
 */
export function openfireSequence(recorder: Recorder): OpenfireSequence {
  const take = (): string[] => {
    const sequence = recorder.sequence()
    recorder.clear()
    return sequence
  }
  const check = (expected: readonly string[], actual = take()) => {
    if (actual.length === expected.length && actual.every((it, at) => it === expected[at])) return
    const message = `the chain was called in another order:\n${lineDifference(actual, expected)}`
    throw new AssertionError({ message, actual, expected, operator: 'openfireSequence', stackStartFn: check })
  }
  return {
    toOnline: (sender, ...recipients) => {
      const actual = take()
      // The recipients come one after the other; which of them first is the server's choice.
      const order = (recipient: Party) => actual.indexOf(`OUT-pre ${nameOf(recipient)}`)
      const inOrder = [...recipients].sort((one, other) => order(one) - order(other))
      const pairs = inOrder.flatMap((it) => [`OUT-pre ${nameOf(it)}`, `OUT-post ${nameOf(it)}`])
      check([`IN-pre ${nameOf(sender)}`, ...pairs, `IN-post ${nameOf(sender)}`], actual)
    },
    toAbsent: (sender) => check([`IN-pre ${nameOf(sender)}`, `IN-post ${nameOf(sender)}`]),
    atLogin: (recipient) => check([`OUT-pre ${nameOf(recipient)}`, `OUT-post ${nameOf(recipient)}`]),
    rejectedIncoming: (sender, { silent = false } = {}) => {
      const answer = silent ? [] : [`OUT-pre ${nameOf(sender)}`, `OUT-post ${nameOf(sender)}`]
      check([`IN-pre ${nameOf(sender)}`, ...answer])
    },
    rejectedOutgoing: (sender, recipient) => check([`IN-pre ${nameOf(sender)}`, `OUT-pre ${nameOf(recipient)}`, `IN-post ${nameOf(sender)}`]),
    is: check,
  }
}

function nameOf(party: Party): string {
  return typeof party === 'string' ? party : party.jid.toString()
}
