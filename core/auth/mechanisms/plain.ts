/** PLAIN (RFC 4616): the password itself, so only inside TLS unless configured. */
import { assertOwnAuthzid, NOBODY, prepareUsername, saslText } from '../sasl-identity.js'
import { type SaslEnvironment, type SaslExchange, SaslFailure, type SaslMechanism, type SaslStep } from '../sasl-mechanism.js'

export const plain: SaslMechanism = {
  name: 'PLAIN',
  revealsPassword: true,
  start: (environment) => new PlainExchange(environment),
}

class PlainExchange implements SaslExchange {
  username: string | undefined
  readonly #environment: SaslEnvironment

  constructor(environment: SaslEnvironment) {
    this.#environment = environment
  }

  async respond(data: Buffer | undefined): Promise<SaslStep> {
    if (data === undefined) return { kind: 'challenge', data: Buffer.alloc(0) } // RFC 4422 §5: the client speaks first
    const { authzid, name, password } = parseMessage(saslText(data))
    const { domain, credentials } = this.#environment
    this.username = prepareUsername(name, domain)
    assertOwnAuthzid(authzid, this.username, domain)
    const right = await credentials.verifyPassword(this.username ?? NOBODY, password)
    if (!right || this.username === undefined) throw new SaslFailure('not-authorized')
    return { kind: 'success', username: this.username }
  }
}

/** `[authzid] NUL authcid NUL passwd` */
function parseMessage(text: string) {
  const [authzid, name, password, ...more] = text.split('\0')
  if (authzid === undefined || !name || !password || more.length > 0) throw new SaslFailure('malformed-request', 'not a PLAIN message (RFC 4616 §2)')
  return { authzid, name, password }
}
