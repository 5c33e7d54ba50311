/** Which messages wait for an absent user (XEP-0160 §3, XEP-0334), by Openfire's rules with their gaps closed. */
import { type Message, NS } from '@beaconfire/plugin-sdk'

/**
 * `keep` it; `ignore` it, since nobody misses it later; or `refuse` it, so that its sender learns that nobody got it.
 */
export type Fate = 'keep' | 'ignore' | 'refuse'

/** What passes with the moment, and what only goes along with something else. */
const NOT_WORTH_KEEPING: ReadonlySet<string> = new Set([NS.client, NS.chatStates, NS.realTimeText, NS.hints, NS.delay, NS.legacyDelay, NS.stanzaIds])

export function fateOf(message: Message): Fate {
  const { type } = message
  // Core knows what RFC 6121 §8.5 wants for these.
  if (type !== 'chat' && type !== 'normal') return 'refuse'
  const namespaces = message.childNamespaces()
  if (namespaces.includes(NS.carbons) && isCarbon(message)) return 'ignore'
  if (namespaces.includes(NS.offline)) return 'ignore' // served by XEP-0013 from what is kept already
  if (namespaces.includes(NS.hints)) {
    if (message.hasChild('no-store', NS.hints)) return 'refuse'
    if (message.hasChild('store', NS.hints)) return 'keep'
  }
  if (message.body || namespaces.some((it) => !NOT_WORTH_KEEPING.has(it))) return 'keep'
  const isOfTheMoment = namespaces.includes(NS.chatStates) || namespaces.includes(NS.realTimeText)
  // A normal message is kept though it has no body (a subject says enough); a chat message is not.
  return type === 'normal' && !isOfTheMoment ? 'keep' : 'ignore'
}

function isCarbon(message: Message): boolean {
  return message.hasChild('received', NS.carbons) || message.hasChild('sent', NS.carbons)
}
