/**
 * The addresses in a client's certificate (RFC 6120 §13.7.1.4, RFC 5280 §4.2.1.6). Slow to load: import it where
 * certificates are asked for.
 */
import { AsnConvert } from '@peculiar/asn1-schema'
import { Certificate, DirectoryString, id_ce_subjectAltName, SubjectAlternativeName } from '@peculiar/asn1-x509'

const ID_ON_XMPP_ADDR = '1.3.6.1.5.5.7.8.5'

export interface CertificateAddresses {
  /** Those of `id-on-xmppAddr`, as they stand there. */
  readonly xmpp: readonly string[]
  readonly email: readonly string[]
}

/**
 * @param der of a certificate that was verified
 * @throws Error when it is not what RFC 5280 says
 */
export function addressesIn(der: Uint8Array): CertificateAddresses {
  const extension = AsnConvert.parse(der, Certificate).tbsCertificate.extensions?.find((it) => it.extnID === id_ce_subjectAltName)
  const names = extension ? AsnConvert.parse(extension.extnValue, SubjectAlternativeName) : []
  const xmpp: string[] = []
  const email: string[] = []
  for (const { otherName, rfc822Name } of names) {
    if (rfc822Name !== undefined) email.push(rfc822Name)
    if (otherName?.typeId !== ID_ON_XMPP_ADDR) continue
    const { utf8String } = AsnConvert.parse(otherName.value, DirectoryString)
    if (utf8String !== undefined) xmpp.push(utf8String)
  }
  return { xmpp, email }
}
