/** SCRAM-SHA-256 (RFC 7677). */
import { scramMechanism } from './scram.js'

export const scramSha256 = scramMechanism('SCRAM-SHA-256')
