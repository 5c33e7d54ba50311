/** A certificate that vouches for itself, for development: ECDSA P-256, no more than what TLS needs (RFC 5280, RFC 6125). */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_kp_serverAuth,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'

const DAY_MS = 86_400_000
/** What browsers and mobile systems accept at most. */
const VALID_DAYS = 825
/** Longest common name (RFC 5280, ub-common-name); a longer domain stands in the alternative names alone. */
const MAX_COMMON_NAME = 64
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const COMMON_NAME = '2.5.4.3'

export interface KeyAndCertificate {
  /** PEM, PKCS #8 */
  readonly key: string
  readonly certificate: string
}

/** @param name host name, an IDN as A-labels, or IP address */
export function createSelfSignedCertificate(name: string, now = Date.now()): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
  const subject = nameOf(name)
  const content = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: signatureAlgorithm,
    issuer: subject,
    // An hour back: clocks differ.
    validity: new Validity({ notBefore: new Date(now - DAY_MS / 24), notAfter: new Date(now + VALID_DAYS * DAY_MS) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    extensions: extensionsFor(name),
  })
  const signatureValue = sign('sha256', Buffer.from(AsnConvert.serialize(content)), { key: privateKey, dsaEncoding: 'der' })
  const certificate = new Certificate({ tbsCertificate: content, signatureAlgorithm, signatureValue: Uint8Array.from(signatureValue).buffer })
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, certificate: toPem(AsnConvert.serialize(certificate)) }
}

function nameOf(commonName: string): Name {
  if (commonName.length > MAX_COMMON_NAME) return new Name()
  return new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value: new AttributeValue({ utf8String: commonName }) })]),
  ])
}

function extensionsFor(name: string): Extensions {
  const extension = (extnID: string, critical: boolean, value: unknown) =>
    new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
  return new Extensions([
    extension(
      id_ce_subjectAltName,
      name.length > MAX_COMMON_NAME,
      new SubjectAlternativeName([new GeneralName(isIP(name) ? { iPAddress: name } : { dNSName: name })]),
    ),
    // An own authority of one: clients that pin it as trusted want this.
    extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: true })),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_serverAuth])),
  ])
}

/** Positive, as §4.1.2.2 asks. */
function serialNumber(): ArrayBuffer {
  const bytes = Uint8Array.from(randomBytes(16))
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return bytes.buffer
}

function toPem(der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
