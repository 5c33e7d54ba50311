/** Certificates for tests: an authority, and what it issues to clients (RFC 5280, RFC 6120 §13.7.1.4). */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'
import { AsnConvert, AsnUtf8StringConverter, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  CertificateList,
  Extension,
  Extensions,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_subjectAltName,
  Name,
  OtherName,
  RelativeDistinguishedName,
  RevokedCertificate,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509'

const DAY_MS = 86_400_000
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const COMMON_NAME = '2.5.4.3'
const ID_ON_XMPP_ADDR = '1.3.6.1.5.5.7.8.5'

export interface Issued {
  /** PEM */
  readonly key: string
  readonly cert: string
}

export interface Subject {
  /** Values of `id-on-xmppAddr`. */
  readonly xmpp?: readonly string[]
  readonly email?: readonly string[]
  /** Days from now; negative for a certificate that has expired. */
  readonly validDays?: number
}

export class TestAuthority {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #name: Name
  /** PEM, for `c2s.tlsClientCa`. */
  readonly certificate: string

  constructor(name: string) {
    this.#name = nameOf(name)
    const constraints = extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }))
    this.certificate = this.#certify(this.#name, this.#keys.publicKey, [constraints], 30)
  }

  issue({ xmpp = [], email = [], validDays = 30 }: Subject): Issued {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const names = [
      ...xmpp.map(
        (it) => new GeneralName({ otherName: new OtherName({ typeId: ID_ON_XMPP_ADDR, value: AsnUtf8StringConverter.toASN(it).toBER() }) }),
      ),
      ...email.map((it) => new GeneralName({ rfc822Name: it })),
    ]
    const extensions = names.length > 0 ? [extension(id_ce_subjectAltName, new SubjectAlternativeName(names))] : []
    // The common name is an address, too, and must stand for nothing.
    const cert = this.#certify(nameOf('romeo@test'), publicKey, extensions, validDays)
    return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert }
  }

  /** PEM of a list of revoked certificates, valid now. */
  revocations(revoked: readonly Issued[]): string {
    const signature = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
    const now = new Time(new Date(Date.now() - DAY_MS))
    const tbsCertList = new TBSCertList({
      version: Version.v2,
      signature,
      issuer: this.#name,
      thisUpdate: now,
      nextUpdate: new Time(new Date(Date.now() + DAY_MS)),
      revokedCertificates: revoked.map(({ cert }) => {
        const serial = Buffer.from(new X509Certificate(cert).serialNumber, 'hex')
        return new RevokedCertificate({ userCertificate: Uint8Array.from(serial).buffer, revocationDate: now })
      }),
    })
    const signed = this.#sign(AsnConvert.serialize(tbsCertList))
    return toPem('X509 CRL', AsnConvert.serialize(new CertificateList({ tbsCertList, signatureAlgorithm: signature, signature: signed })))
  }

  #sign(content: ArrayBuffer): ArrayBuffer {
    return Uint8Array.from(sign('sha256', Buffer.from(content), { key: this.#keys.privateKey, dsaEncoding: 'der' })).buffer
  }

  #certify(subject: Name, publicKey: KeyObject, extensions: Extension[], validDays: number): string {
    const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 })
    const end = Date.now() + validDays * DAY_MS
    const tbsCertificate = new TBSCertificate({
      version: Version.v3,
      serialNumber: Uint8Array.from([0x40, ...randomBytes(15)]).buffer,
      signature: signatureAlgorithm,
      issuer: this.#name,
      validity: new Validity({ notBefore: new Date(Math.min(Date.now(), end) - DAY_MS), notAfter: new Date(end) }),
      subject,
      subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
      ...(extensions.length > 0 && { extensions: new Extensions(extensions) }),
    })
    const signatureValue = this.#sign(AsnConvert.serialize(tbsCertificate))
    return toPem('CERTIFICATE', AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue })))
  }
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName })
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])])
}

function extension(extnID: string, value: unknown): Extension {
  return new Extension({ extnID, critical: false, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

function toPem(what: string, der: ArrayBuffer): string {
  return `-----BEGIN ${what}-----\n${Buffer.from(der).toString('base64')}\n-----END ${what}-----\n`
}
