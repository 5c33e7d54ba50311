/** A copy as it goes to the user's other resources (XEP-0280 §7, §8; XEP-0297). */
import { element, type Holder, isPromise, type Jid, type Message, message, NS, stanzaIdElement, takeStanzaId } from '@beaconfire/plugin-sdk'

/**
 * To be addressed for each resource.
 * @param original as it was routed: the id that the account has for it goes into the copy (XEP-0313 §3.4)
 * @param account bare JID of the user whose resources get it: no other sender may be believed (§11)
 */
export function wrapped(original: Message, direction: 'sent' | 'received', account: Jid, holder: Holder): Message {
  const forwarded = original.clone().element
  forwarded.attrs.xmlns = NS.client
  const id = takeStanzaId(original, original, account, holder)
  // An archive that had to be waited for has answered long ago: the original is routed.
  if (id !== undefined && !isPromise(id)) forwarded.cnode(stanzaIdElement(account, id))
  const copy = element(direction, { xmlns: NS.carbons }, element('forwarded', { xmlns: NS.forward }, forwarded))
  return message({ from: account, type: original.type }, copy)
}
