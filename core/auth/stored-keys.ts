/** Keys of SCRAM as they stand in the columns. */
import type { ScramKeys, ScramMechanism } from './credentials.js'
import { KEY_BYTES } from './password-keys.js'
import { decodeBase64 } from './sasl-identity.js'
import type { PasswordRow } from './scram-tables.js'

/** More would keep a thread busy for seconds. */
const MOST_ITERATIONS = 5_000_000

/** @returns undefined when there are none that a client could use, or when they belong to a password that was changed since */
export function readKeys(mechanism: ScramMechanism, row: PasswordRow): ScramKeys | undefined {
  const { storedKey, serverKey, salt, iterations } = columns(mechanism, row)
  if (!storedKey || !serverKey || !salt || !iterations || iterations < 1 || iterations > MOST_ITERATIONS) return undefined
  if (mechanism === 'SCRAM-SHA-256' && row.basis !== null && row.basis !== row.storedKey1) return undefined
  const bytes = { salt: decodeBase64(salt), storedKey: decodeBase64(storedKey), serverKey: decodeBase64(serverKey) }
  const length = KEY_BYTES[mechanism]
  if (!bytes.salt || bytes.storedKey?.length !== length || bytes.serverKey?.length !== length) return undefined
  return { salt: bytes.salt, iterations, storedKey: bytes.storedKey, serverKey: bytes.serverKey }
}

function columns(mechanism: ScramMechanism, row: PasswordRow) {
  return mechanism === 'SCRAM-SHA-1'
    ? { storedKey: row.storedKey1, serverKey: row.serverKey1, salt: row.salt1, iterations: row.iterations1 }
    : { storedKey: row.storedKey256, serverKey: row.serverKey256, salt: row.salt256, iterations: row.iterations256 }
}
