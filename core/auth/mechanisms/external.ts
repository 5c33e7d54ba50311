/** EXTERNAL (RFC 4422 appendix A) with the client's certificate (RFC 6120 §6.3, XEP-0178 §2): TLS has proven who it is. */
import { Jid } from '@beaconfire/plugin-sdk'
import { saslText } from '../sasl-identity.js'
import { type SaslEnvironment, type SaslExchange, SaslFailure, type SaslMechanism, type SaslStep } from '../sasl-mechanism.js'

export const external: SaslMechanism = {
  name: 'EXTERNAL',
  revealsPassword: false,
  refusal({ certificateUsernames, isSecure }) {
    if (!isSecure) return 'encryption-required'
    return certificateUsernames === undefined || certificateUsernames.length === 0 ? 'not-authorized' : undefined
  },
  start: (environment) => new ExternalExchange(environment),
}

class ExternalExchange implements SaslExchange {
  username: string | undefined
  readonly #environment: SaslEnvironment

  constructor(environment: SaslEnvironment) {
    this.#environment = environment
  }

  async respond(data: Buffer | undefined): Promise<SaslStep> {
    if (data === undefined) return { kind: 'challenge', data: Buffer.alloc(0) } // RFC 4422 §5: the client speaks first
    const { certificateUsernames = [], domain } = this.#environment
    const authzid = saslText(data)
    const username = authzid === '' ? theOnly(certificateUsernames) : certificateUsernames.find((it) => isBareJid(authzid, it, domain))
    if (username === undefined) throw new SaslFailure('invalid-authzid')
    this.username = username
    return { kind: 'success', username }
  }
}

/** XEP-0178 §2: a certificate with several addresses needs the client to say which it means. */
function theOnly(usernames: readonly string[]): string | undefined {
  return usernames.length === 1 ? usernames[0] : undefined
}

function isBareJid(authzid: string, username: string, domain: string): boolean {
  return Jid.tryParse(authzid)?.equals(Jid.of(username, domain)) ?? false
}
