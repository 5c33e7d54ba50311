/** Which messages wait for an absent user (XEP-0160 §3, XEP-0334), by Openfire's rules with their gaps closed. */
import { type Message, NS } from '@beaconfire/plugin-sdk'

/**
 * `keep` it; `ignore` it, since nobody misses it later; or `refuse` it, so that its sender learns that nobody got it.
 */
export type Fate = 'keep' | 'ignore' | 'refuse'

/** What passes with the moment, tells what became of another message, or only goes along with something else. */
const NOT_WORTH_KEEPING: ReadonlySet<string> = new Set([
  NS.client,
  NS.chatStates,
  NS.realTimeText,
  NS.receipts,
  NS.chatMarkers,
  NS.hints,
  NS.delay,
  NS.legacyDelay,
  NS.stanzaIds,
])

/** Alone they are no reason to keep a message, be it `normal` (XEP-0085 §5.5, XEP-0184, XEP-0333): nobody misses them later. */
const OF_THE_MOMENT: readonly string[] = [NS.chatStates, NS.realTimeText, NS.receipts, NS.chatMarkers]

export function fateOf(message: Message): Fate {
  const { type } = message
  // Core knows what RFC 6121 §8.5 wants for these.
  if (type !== 'chat' && type !== 'normal') return 'refuse'
  const namespaces = message.childNamespaces()
  if (namespaces.includes(NS.carbons) && isCarbon(message)) return 'ignore'
  if (namespaces.includes(NS.offline)) return 'ignore' // served by XEP-0013 from what is kept already
  const isWorthKeeping = saysSomething(message, namespaces)
  if (namespaces.includes(NS.hints)) {
    // Nobody is told that a receipt or a state was not kept: nobody waits for it.
    if (message.hasChild('no-store', NS.hints)) return isWorthKeeping ? 'refuse' : 'ignore'
    if (message.hasChild('store', NS.hints)) return 'keep'
  }
  return isWorthKeeping ? 'keep' : 'ignore'
}

function saysSomething(message: Message, namespaces: readonly string[]): boolean {
  if (message.body || namespaces.some((it) => !NOT_WORTH_KEEPING.has(it))) return true
  // A normal message is kept though it has no body (a subject says enough); a chat message is not.
  return message.type === 'normal' && (message.hasChild('subject') || !OF_THE_MOMENT.some((it) => namespaces.includes(it)))
}

function isCarbon(message: Message): boolean {
  return message.hasChild('received', NS.carbons) || message.hasChild('sent', NS.carbons)
}
