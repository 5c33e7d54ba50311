/**
 * Channel bindings of TLS: data that both ends of one connection know, and that nobody between them can have the same on both sides.
 * `tls-unique` is not among them: TLS 1.3 has none (RFC 9266 §1), and that of TLS 1.2 is not unique by itself (RFC 7627).
 */
import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** By their names in IANA's registry. */
export type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point'

/** RFC 9266 §2 */
const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'
const EXPORTER_BYTES = 32
const NO_CONTEXT = Buffer.alloc(0)

/** Strongest first. */
const ALL: readonly ChannelBindingType[] = ['tls-exporter', 'tls-server-end-point']
const END_POINT: readonly ChannelBindingType[] = ['tls-server-end-point']
const EXPORTER: readonly ChannelBindingType[] = ['tls-exporter']
const NONE: readonly ChannelBindingType[] = []

/** What connections of a server with this certificate can be bound to. */
export class ChannelBindings {
  readonly #certificate: Buffer
  readonly #endPoint: Buffer | undefined

  /** @param certificatePem the server's own comes first */
  constructor(certificatePem: string) {
    this.#certificate = new X509Certificate(certificatePem).raw
    this.#endPoint = endPointData(this.#certificate)
  }

  types(socket: TLSSocket): readonly ChannelBindingType[] {
    // Under TLS 1.2 the exporter binds only with the extended master secret (RFC 9266 §3), of which Node does not tell.
    if (socket.getProtocol() === 'TLSv1.3') return this.#endPoint ? ALL : EXPORTER
    return this.#endPoint ? END_POINT : NONE
  }

  /** The channel binding data; undefined when this connection cannot be bound to the type. */
  data(socket: TLSSocket, type: string): Buffer | undefined {
    if (!this.types(socket).some((it) => it === type)) return undefined
    if (type === 'tls-exporter') return socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, NO_CONTEXT)
    const shown = socket.getX509Certificate()?.raw
    // A connection that began before the certificate was renewed is bound to the one it was shown.
    return shown === undefined || shown.equals(this.#certificate) ? this.#endPoint : endPointData(shown)
  }
}

/** `tls-server-end-point` (RFC 5929 §4.1) of a certificate in DER; undefined where it is not defined. */
export function endPointData(certificate: Buffer): Buffer | undefined {
  const hash = endPointHash(certificate)
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest()
}

/**
 * By the signature algorithm's object identifier: its hash, but SHA-256 for MD5 and SHA-1 (RFC 5929 §4.1). Algorithms that
 * use no hash of their own, such as Ed25519, are not here: the binding is not defined for them.
 */
const HASH_BY_SIGNATURE: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010e': 'sha224', // sha224WithRSAEncryption
  '2a864886f70d01010b': 'sha256', // sha256WithRSAEncryption
  '2a864886f70d01010c': 'sha384', // sha384WithRSAEncryption
  '2a864886f70d01010d': 'sha512', // sha512WithRSAEncryption
  '2a8648ce380403': 'sha256', // dsa-with-sha1
  '608648016503040302': 'sha256', // dsa-with-sha256
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224', // ecdsa-with-SHA224
  '2a8648ce3d040302': 'sha256', // ecdsa-with-SHA256
  '2a8648ce3d040303': 'sha384', // ecdsa-with-SHA384
  '2a8648ce3d040304': 'sha512', // ecdsa-with-SHA512
}
const RSASSA_PSS = '2a864886f70d01010a'
/** The hash among the parameters of RSASSA-PSS (RFC 4055 §3.1). */
const HASH_BY_DIGEST: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
}
const FIRST_TAG = 0xa0

/** Node's name of the hash. The certificate is one that OpenSSL has read: its form is not in doubt. */
function endPointHash(certificate: Buffer): string | undefined {
  const content = read(certificate, 0)
  const toBeSigned = read(certificate, content.start)
  const algorithm = read(certificate, toBeSigned.end)
  const identifier = read(certificate, algorithm.start)
  const named = hex(certificate, identifier)
  if (named !== RSASSA_PSS) return HASH_BY_SIGNATURE[named]
  const parameters = read(certificate, identifier.end)
  const first = read(certificate, parameters.start)
  if (first.tag !== FIRST_TAG) return 'sha256' // left out, it is SHA-1
  return HASH_BY_DIGEST[hex(certificate, read(certificate, read(certificate, first.start).start))] ?? 'sha256'
}

interface Value {
  readonly tag: number | undefined
  readonly start: number
  readonly end: number
}

/** The value in DER at this place. */
function read(der: Buffer, at: number): Value {
  const short = der.readUInt8(at + 1)
  const bytes = short < 0x80 ? 0 : short & 0x7f
  const length = bytes === 0 ? short : der.readUIntBE(at + 2, bytes)
  const start = at + 2 + bytes
  return { tag: der[at], start, end: start + length }
}

function hex(der: Buffer, { start, end }: Value): string {
  return der.toString('hex', start, end)
}
