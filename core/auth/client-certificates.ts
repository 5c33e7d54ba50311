/** Which accounts a client's certificate stands for (RFC 6120 §13.7.1.2, XEP-0178 §2). */
import { type Accounts, Jid, type Logger, type MaybePromise } from '@beaconfire/plugin-sdk'
import { verifiedClientCertificate } from '../net/tls-client-certificate.js'
import type { Transport } from '../net/transport.js'
import type { CertificateAddresses } from './certificate-addresses.js'

/** Addresses of one certificate that are looked at; a certificate with more is for somebody else. */
const MOST_ADDRESSES = 20

export interface ClientCertificateSettings {
  readonly domain: string
  readonly accounts: Pick<Accounts, 'exists'>
  /** Takes e-mail addresses at the domain for JIDs too, where the certificate has no XMPP address. */
  readonly byEmail: boolean
  readonly log: Logger
}

export class ClientCertificates {
  readonly #settings: ClientCertificateSettings

  constructor(settings: ClientCertificateSettings) {
    this.#settings = settings
  }

  /**
   * Usernames of accounts there are, prepared; none for a client without a certificate, or with one that is not trusted.
   * Never rejects: a certificate that cannot be read, or an account that cannot be looked up, is one that does not serve.
   */
  usernames({ tlsSocket, remoteAddress }: Pick<Transport, 'tlsSocket' | 'remoteAddress'>): MaybePromise<readonly string[]> {
    const certificate = tlsSocket && verifiedClientCertificate(tlsSocket)
    if (!certificate) return []
    return this.#existing(certificate).catch((error: unknown) => {
      this.#settings.log.warn({ address: remoteAddress, error }, 'a client certificate could not be used')
      return []
    })
  }

  async #existing(certificate: Buffer): Promise<readonly string[]> {
    const { addressesIn } = await import('./certificate-addresses.js')
    const usernames = this.#usernamesOf(addressesIn(certificate))
    const exist = await Promise.all(usernames.map(async (it) => this.#settings.accounts.exists(it)))
    return usernames.filter((_, index) => exist[index])
  }

  #usernamesOf({ xmpp, email }: CertificateAddresses): readonly string[] {
    const addresses = xmpp.length === 0 && this.#settings.byEmail ? email : xmpp
    const usernames = new Set<string>()
    for (const address of addresses.slice(0, MOST_ADDRESSES)) {
      const jid = Jid.tryParse(address)
      if (jid && jid.local !== '' && jid.resource === '' && jid.domain === this.#settings.domain) usernames.add(jid.local)
    }
    return [...usernames]
  }
}
