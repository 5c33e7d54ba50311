/** The certificates of clients in TLS (RFC 6120 §13.7.1.2): asked for where the operator trusts authorities for them. */
import type { SecureContext, TLSSocket } from 'node:tls'

const ASKS = Symbol('asks the client for a certificate')

interface Asking extends SecureContext {
  [ASKS]?: true
}

/** The context must hold the trusted authorities, and an id for resumed sessions. */
export function askForCertificates(context: SecureContext): void {
  const asking: Asking = context
  asking[ASKS] = true
}

export function asksForCertificate(context: Asking): boolean {
  return context[ASKS] === true
}

/** Node's own TLS server learns the outcome of OpenSSL's verification by this; a TLSSocket alone has no public way to it. */
interface Verifying {
  readonly ssl?: { verifyError(): Error | null | undefined }
}

/** DER of the client's certificate, when its chain leads to an authority the operator trusts; undefined in every other case. */
export function verifiedClientCertificate(socket: TLSSocket): Buffer | undefined {
  const { ssl } = socket as unknown as Verifying
  // A client without a certificate has nothing that could be wrong with it: both questions must be asked.
  const certificate = socket.getPeerX509Certificate()
  if (!certificate || !ssl || ssl.verifyError()) return undefined
  return certificate.raw
}
