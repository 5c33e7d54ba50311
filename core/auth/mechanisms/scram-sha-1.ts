/** SCRAM-SHA-1 (RFC 5802): mandatory to implement for XMPP (RFC 6120 §13.8.1), and what an Openfire database holds keys for. */
import { scramMechanism, scramPlusMechanism } from './scram.js'

export const scramSha1 = scramMechanism('SCRAM-SHA-1')
export const scramSha1Plus = scramPlusMechanism('SCRAM-SHA-1')
