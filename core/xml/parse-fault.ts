/** Which stream error answers what the tokenizer complains about (RFC 6120 §4.9.3, §11). */
import { StreamError } from '../stream/stream-error.js'

/** Longer complaints quote what the peer sent; that is not echoed. */
const MAX_TEXT = 160

/** Complaints about what is no mistake in XML but not allowed in a stream (§11.1); all others are §4.9.3.13. */
const RESTRICTED = new Set([
  'undefined entity.',
  'an XML declaration must be at the start of the document.',
  'the XML declaration must appear at the start of the document.',
  'inappropriately located doctype declaration.',
])

/**
 * An unbound prefix is `not-well-formed`, since §11.3 asks for namespace-well-formed XML; `bad-namespace-prefix` is for prefixes
 * that are bound and not supported.
 */
export function faultOf(complaint: string): StreamError {
  const text = complaint.length > MAX_TEXT ? undefined : complaint
  return new StreamError(RESTRICTED.has(complaint) ? 'restricted-xml' : 'not-well-formed', text)
}

/** @throws StreamError unless the declaration says XML 1.0 and, if anything, UTF-8 (§11.5, §11.6) */
export function checkDeclaration({ version, encoding }: { readonly version?: string | undefined; readonly encoding?: string | undefined }): void {
  // `unsupported-version` is about the version of XMPP (§4.9.3.25).
  if (version !== '1.0') throw new StreamError('not-well-formed', 'only XML 1.0 is spoken here')
  if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') throw new StreamError('unsupported-encoding')
}
