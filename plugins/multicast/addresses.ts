/** The `<addresses/>` of a stanza (XEP-0033 §4): checked, and as each recipient gets it. */
import { childElements, type Element, element, Jid, type Message, NS, namespaceOf, type Presence, StanzaError } from '@beaconfire/plugin-sdk'

const TYPES: ReadonlySet<string> = new Set(['to', 'cc', 'bcc', 'replyto', 'replyroom', 'noreply', 'ofrom'])
/** Those that the stanza is delivered to. */
const RECIPIENTS: ReadonlySet<string> = new Set(['to', 'cc', 'bcc'])

interface Recipient {
  readonly jid: Jid
  readonly isBlind: boolean
  readonly address: Element
}

/**
 * Who gets the stanza: each once, whom others do not see last. What was delivered already is left out.
 * @throws StanzaError bad-request, jid-malformed, not-acceptable for too many
 */
export function recipientsIn(stanza: Message | Presence, mostAddresses: number): Recipient[] {
  const recipients = new Map<string, Recipient>()
  const blind = new Map<string, Recipient>()
  for (const address of addressesIn(stanza, mostAddresses)) {
    const jid = checked(address)
    if (!jid || !RECIPIENTS.has(address.attrs.type) || address.attrs.delivered === 'true') continue
    const isBlind = address.attrs.type === 'bcc'
    const known = isBlind ? blind : recipients
    if (!known.has(jid.toString())) known.set(jid.toString(), { jid, isBlind, address })
  }
  return [...recipients.values(), ...[...blind.values()].filter((it) => !recipients.has(it.jid.toString()))]
}

/** @throws StanzaError */
function addressesIn(stanza: Message | Presence, mostAddresses: number): Element[] {
  const lists = stanza.childElements().filter((it) => it.getName() === 'addresses' && namespaceOf(it) === NS.addresses)
  const [list] = lists
  if (!list || lists.length > 1) throw new StanzaError('bad-request', { text: 'There are several lists of addresses.' })
  const addresses = childElements(list).filter(isAddress)
  if (addresses.length === 0) throw new StanzaError('bad-request', { text: 'There is no address.' })
  if (addresses.length > mostAddresses) throw new StanzaError('not-acceptable', { text: `At most ${mostAddresses} addresses.` })
  return addresses
}

/** @returns the JID of the address, if it has one @throws StanzaError */
function checked({ attrs }: Element): Jid | undefined {
  const { type, jid, uri, node, desc } = attrs as Record<string, string | undefined>
  if (type === undefined || !TYPES.has(type)) throw new StanzaError('bad-request', { text: 'There is no such type of address.' })
  if (uri !== undefined && (jid !== undefined || node !== undefined)) throw new StanzaError('bad-request', { text: 'An address is a JID or a URI.' })
  if (RECIPIENTS.has(type) && uri !== undefined) throw new StanzaError('jid-malformed', { text: 'Only JIDs can be delivered to.' })
  if (type !== 'noreply' && [jid, uri, node, desc].every((it) => it === undefined))
    throw new StanzaError('bad-request', { text: 'An address is empty.' })
  if (jid === undefined) {
    if (RECIPIENTS.has(type)) throw new StanzaError('bad-request', { text: 'An address has no JID.' })
    return undefined
  }
  const address = Jid.tryParse(jid)
  if (!address) throw new StanzaError('jid-malformed')
  return address
}

function isAddress(el: Element): boolean {
  return el.getName() === 'address' && namespaceOf(el) === NS.addresses
}

/** The stanza as each recipient gets it: marked as delivered, and nobody but a blind recipient itself sees that one (§4.6, §4.7.3). */
export class Copies<S extends Message | Presence> {
  readonly #stanza: S

  constructor(stanza: S) {
    const open = stanza.clone() as S
    for (const list of open.childElements()) {
      if (list.getName() === 'addresses' && namespaceOf(list) === NS.addresses) markDelivered(list)
    }
    // As text, which all copies share.
    this.#stanza = open.clone() as S
  }

  for({ jid, isBlind, address }: Recipient): S {
    const copy = this.#stanza.clone() as S
    copy.to = jid
    if (isBlind) copy.child('addresses', NS.addresses)?.cnode(element('address', address.attrs))
    return copy
  }
}

function markDelivered(list: Element): void {
  list.children = list.children.filter((it) => typeof it === 'string' || !isAddress(it) || it.attrs.type !== 'bcc')
  for (const address of childElements(list)) {
    if (isAddress(address) && RECIPIENTS.has(address.attrs.type)) address.attrs.delivered = 'true'
  }
}
