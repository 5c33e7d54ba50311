/** SCRAM-SHA-256 (RFC 7677). */
import { scramMechanism, scramPlusMechanism } from './scram.js'

export const scramSha256 = scramMechanism('SCRAM-SHA-256')
export const scramSha256Plus = scramPlusMechanism('SCRAM-SHA-256')
