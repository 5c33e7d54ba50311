/** Which messages belong in an archive (XEP-0313 §6.1.1, XEP-0334), whatever the account prefers. */
import { type Message, NS } from '@beaconfire/plugin-sdk'

/**
 * Chat and normal messages with a body, or with an encrypted one; others when their sender asks for it, as clients do for receipts and
 * markers that are to be seen on all devices. Of a state that passes, and of rooms, nothing is kept.
 */
export function isArchivable(message: Message): boolean {
  const { type } = message
  if (type === 'error' || type === 'groupchat') return false
  const namespaces = message.childNamespaces()
  if (namespaces.includes(NS.hints)) {
    if (message.hasChild('no-store', NS.hints) || message.hasChild('no-permanent-store', NS.hints)) return false
    if (message.hasChild('store', NS.hints)) return true
  }
  if (type === 'headline') return false
  return message.hasChild('body') || namespaces.includes(NS.encryption)
}
