/** What a peer says when it opens a stream (RFC 6120 §4.7), and whether it is served. */
import { Jid, NS } from '@beaconfire/plugin-sdk'
import type { StreamHeader } from '../xml/stream-parser.js'
import { StreamError } from './stream-error.js'

/** RFC 5646, in its outline: what stanzas are marked with must be a language tag. */
const LANGUAGE_TAG = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,10}$/

export interface Opening {
  /** What the peer's stanzas are in where they do not say it themselves; undefined when it is not said, or is none. */
  readonly lang: string | undefined
  /** Bare JID the peer says it is. */
  readonly peer: string | undefined
}

/** @throws StreamError invalid-namespace, bad-format, improper-addressing */
export function openingOf({ name, namespace, contentNamespace, attributes }: StreamHeader): Opening {
  const { from, 'xml:lang': lang } = attributes
  if (namespace !== NS.streams || contentNamespace !== NS.client) throw new StreamError('invalid-namespace')
  if (name !== 'stream') throw new StreamError('bad-format')
  return {
    lang: lang !== undefined && LANGUAGE_TAG.test(lang) ? lang : undefined,
    peer: from === undefined ? undefined : address(from).bare().toString(),
  }
}

/** Asked when the answering header can be written: it names the peer also where the stream ends at once. @throws StreamError */
export function assertServed(
  { attributes: { to, version } }: StreamHeader,
  served: { readonly domain: string; readonly acceptAnyHost?: boolean },
): void {
  if (to !== undefined && to !== served.domain && address(to).toString() !== served.domain && !served.acceptAnyHost)
    throw new StreamError('host-unknown')
  if (!/^0{0,8}[1-9]\d{0,3}\.\d{1,8}$/.test(version ?? '')) throw new StreamError('unsupported-version')
}

/** @throws StreamError improper-addressing (RFC 6120 §4.9.3.7) */
function address(text: string): Jid {
  const jid = Jid.tryParse(text)
  if (!jid) throw new StreamError('improper-addressing')
  return jid
}
