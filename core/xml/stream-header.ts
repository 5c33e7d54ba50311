/** The opening tag that this side sends (RFC 6120 §4.7). */
import { Element, NS } from '@beaconfire/plugin-sdk'

export interface OpeningTag {
  /** The local domain. */
  readonly from: string
  /** Stream id, unique and not to be guessed (§4.7.3). */
  readonly id: string
  /** `xml:lang` of what this side writes (§4.7.4). */
  readonly lang: string
  /** The peer, where it said who it is (§4.7.2). */
  readonly to?: string | undefined
  /** Content namespace; `jabber:client` unless given. */
  readonly contentNamespace?: string | undefined
}

/** XML declaration and start tag; the element stays open until `</stream:stream>`. */
export function openingTag({ from, id, lang, to, contentNamespace = NS.client }: OpeningTag): string {
  const peer = to === undefined ? '' : attribute('to', to)
  const ids = attribute('id', id) + attribute('from', from)
  return `<?xml version='1.0'?><stream:stream xmlns="${contentNamespace}" xmlns:stream="${NS.streams}"${ids}${peer} xml:lang="${lang}" version="1.0">`
}

/** What ids and nearly all addresses are made of: nothing to escape. */
const PLAIN = /^[\w.:@/-]*$/

function attribute(name: string, value: string): string {
  return PLAIN.test(value) ? ` ${name}="${value}"` : new Element('', { [name]: value }).toString().slice(1, -2)
}
