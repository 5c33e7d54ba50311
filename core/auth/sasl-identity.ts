/** Who a client says it is in SASL: the authentication identity as a username, and the authorization identity. */
import { isUtf8 } from 'node:buffer'
import { Jid, JidError } from '@beaconfire/plugin-sdk'
import { SaslFailure } from './sasl-mechanism.js'

/**
 * A name no account has. A mechanism goes through the whole exchange with it when the client's name cannot be prepared,
 * so that such a name takes as long and is answered as an unknown one.
 */
export const NOBODY = ''

/** The localpart that `name` stands for at `domain`; undefined when it cannot be one (RFC 7622 §3.3). */
export function prepareUsername(name: string, domain: string): string | undefined {
  try {
    return Jid.of(name, domain).local || undefined
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

/**
 * RFC 6120 §6.3.8: a client may leave the authorization identity out or give its own bare JID; acting for another is not offered.
 * @throws SaslFailure invalid-authzid
 */
export function assertOwnAuthzid(authzid: string, username: string | undefined, domain: string): void {
  if (authzid === '') return
  const asked = Jid.tryParse(authzid)
  if (username === undefined || !asked?.equals(Jid.of(username, domain))) throw new SaslFailure('invalid-authzid')
}

/**
 * The text of a SASL message; a byte order mark is a character like any other.
 * @throws SaslFailure malformed-request when it is not UTF-8
 */
export function saslText(data: Buffer): string {
  if (!isUtf8(data)) throw new SaslFailure('malformed-request', 'not UTF-8')
  return data.toString()
}

/** The bytes of strict, canonical base64 (RFC 4648 §3.5: no other alphabet, no white space, no stray bits); undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
