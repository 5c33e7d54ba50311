/** Which messages are worth an answer: what a person says now, and not what a program, a room or another such reply says. */
import { type Jid, type Message, NS } from '@beaconfire/plugin-sdk'

/** Stanza headers (XEP-0131), of which `Auto-Submitted` is RFC 3834's mark of what no person wrote. */
export const SHIM = 'http://jabber.org/protocol/shim'
export const AUTO_SUBMITTED = 'Auto-Submitted'

/** @param ignored bare JIDs and domains */
export function isAnswerable(message: Message, sender: Jid, ignored: ReadonlySet<string>): boolean {
  if ((message.type !== 'chat' && message.type !== 'normal') || !message.body) return false
  // Servers and services have no local part; a room's occupants speak to all, or by way of the room.
  if (sender.local === '' || ignored.has(sender.bare().toString()) || ignored.has(sender.domain)) return false
  const namespaces = message.childNamespaces()
  // What was sent long ago, or as a copy, or must leave no trace, is not answered.
  if ([NS.delay, NS.legacyDelay, NS.carbons, NS.mucUser, NS.pubsubEvent].some((it) => namespaces.includes(it))) return false
  if (message.hasChild('no-store', NS.hints) || message.hasChild('no-permanent-store', NS.hints)) return false
  return !namespaces.includes(SHIM) || !isAutoSubmitted(message)
}

function isAutoSubmitted(message: Message): boolean {
  const headers = message.clone().child('headers', SHIM)?.getChildren('header') ?? []
  return headers.some((it) => it.attrs.name === AUTO_SUBMITTED && it.getText().trim() !== 'no')
}
