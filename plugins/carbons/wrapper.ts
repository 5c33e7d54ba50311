/** A copy as it goes to the user's other resources (XEP-0280 §7, §8; XEP-0297). */
import { element, type Jid, type Message, message, NS } from '@beaconfire/plugin-sdk'

/** To be addressed for each resource. @param account bare JID of the user whose resources get it: no other sender may be believed (§11) */
export function wrapped(original: Message, direction: 'sent' | 'received', account: Jid): Message {
  const forwarded = original.clone().element
  forwarded.attrs.xmlns = NS.client
  const copy = element(direction, { xmlns: NS.carbons }, element('forwarded', { xmlns: NS.forward }, forwarded))
  return message({ from: account, type: original.type }, copy)
}
