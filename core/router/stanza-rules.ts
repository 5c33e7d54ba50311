/** What a stanza from a client must be before anyone sees it (RFC 6120 §8.1, §8.2; RFC 6121 §4.7). */
import { JidError, type Session, type Stanza, StanzaError } from '@beaconfire/plugin-sdk'
import { StreamError } from '../stream/stream-error.js'

const IQ_TYPES = new Set(['get', 'set', 'result', 'error'])
const PRESENCE_TYPES = new Set(['unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'])

/**
 * A client may only speak for itself: its full JID, or its bare one (RFC 6120 §8.1.2.1).
 * @throws StreamError invalid-from
 */
export function assertOwnFrom(stanza: Stanza, session: Session): void {
  const from = stanza.attribute('from')
  if (from === undefined || from === session.jid.toString()) return
  let claimed: string | undefined
  try {
    claimed = stanza.from?.toString()
  } catch (error) {
    if (!(error instanceof JidError)) throw error
  }
  if (claimed !== session.jid.toString() && claimed !== session.jid.bare().toString()) throw new StreamError('invalid-from')
}

/** @returns what the sender is to be told, or undefined when the stanza may pass */
export function faultOf(stanza: Stanza): StanzaError | undefined {
  try {
    void stanza.to
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    stanza.setAttribute('to', undefined)
    return new StanzaError('jid-malformed', { text: error.message })
  }
  if (stanza.kind === 'iq') return faultOfIq(stanza)
  if (stanza.kind !== 'presence') return undefined
  const type = stanza.attribute('type')
  return type === undefined || PRESENCE_TYPES.has(type) ? undefined : new StanzaError('bad-request', { text: 'Unknown presence type.' })
}

function faultOfIq(stanza: Stanza & { kind: 'iq' }): StanzaError | undefined {
  if (!IQ_TYPES.has(stanza.attribute('type') ?? '')) return new StanzaError('bad-request', { text: 'An iq is of type get, set, result or error.' })
  if (!stanza.id) return new StanzaError('bad-request', { text: 'An iq needs an id.' })
  if (!stanza.isRequest) return undefined
  return stanza.childNamespaces().length === 1 ? undefined : new StanzaError('bad-request', { text: 'A request holds exactly one child element.' })
}
