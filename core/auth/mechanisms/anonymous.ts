/** ANONYMOUS (RFC 4505, XEP-0175): a name of nobody's for as long as the session lasts. Offered where it is configured. */
import { randomUUID } from 'node:crypto'
import { saslText } from '../sasl-identity.js'
import { type SaslExchange, SaslFailure, type SaslMechanism, type SaslStep } from '../sasl-mechanism.js'

/** In characters (RFC 4505 §2). */
const LONGEST_TRACE = 255

export const anonymous: SaslMechanism = { name: 'ANONYMOUS', revealsPassword: false, start: () => new AnonymousExchange() }

class AnonymousExchange implements SaslExchange {
  /** Stays unknown: a throttle that counted by a name used once would count nothing. */
  readonly username = undefined

  async respond(data: Buffer | undefined): Promise<SaslStep> {
    // What a client says of itself may serve for tracing alone (XEP-0175 §2); it is checked and dropped.
    if (data && Array.from(saslText(data)).length > LONGEST_TRACE) throw new SaslFailure('malformed-request', 'the trace is too long')
    return { kind: 'success', username: randomUUID(), isAnonymous: true }
  }
}
