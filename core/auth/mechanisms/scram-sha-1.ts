/** SCRAM-SHA-1 (RFC 5802): mandatory to implement for XMPP (RFC 6120 §13.8.1), and what an Openfire database holds keys for. */
import { scramMechanism } from './scram.js'

export const scramSha1 = scramMechanism('SCRAM-SHA-1')
