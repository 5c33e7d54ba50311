/** Which messages are copied (XEP-0280 §6.1, rules:0), but for errors, which depend on what they answer. */
import { findChild, type Message, NS } from '@beaconfire/plugin-sdk'

/** Payloads of instant messaging, which count whatever the type. */
const IM_PAYLOADS: ReadonlySet<string> = new Set([NS.receipts, NS.chatStates, NS.chatMarkers])

/** @param direction from the copying account's point of view: its resource sent the message, or it was sent to it */
export function isEligible(message: Message, direction: 'sent' | 'received'): boolean {
  const { type } = message
  if (type === 'groupchat' || type === 'error') return false
  const namespaces = message.childNamespaces()
  if (namespaces.includes(NS.carbons) && isMarked(message)) return false
  if (namespaces.includes(NS.hints) && message.hasChild('no-copy', NS.hints)) return false
  if (namespaces.includes(NS.mucUser)) {
    if (isInvitation(message)) return true
    // The room sends a private message to all of the user's clients that are in it.
    if (direction === 'received' && message.from?.isFull) return false
  }
  if (type === 'chat' || (type === 'normal' && message.hasChild('body'))) return true
  return namespaces.some((it) => IM_PAYLOADS.has(it)) || message.hasChild('x', NS.conference)
}

/** Private (§9), or a copy itself, real or forged. */
function isMarked(message: Message): boolean {
  return message.hasChild('private', NS.carbons) || message.hasChild('received', NS.carbons) || message.hasChild('sent', NS.carbons)
}

/** A mediated invitation (XEP-0045 §7.8.2). */
function isInvitation(message: Message): boolean {
  const x = message.clone().child('x', NS.mucUser)
  return x !== undefined && findChild(x, 'invite') !== undefined
}
