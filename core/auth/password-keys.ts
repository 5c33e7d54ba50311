/** Passwords and the keys kept instead of them (RFC 5802 §3, RFC 8265 §4). */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { opaqueString, PasswordRefused, PreparationError } from '@beaconfire/plugin-sdk'
import type { ScramKeys, ScramMechanism } from './credentials.js'
import { SCRAM_HASH } from './mechanisms/scram.js'

/** On the thread pool: the synchronous one would stop every stream for milliseconds. */
const derive = promisify(pbkdf2)
export const KEY_BYTES = { 'SCRAM-SHA-1': 20, 'SCRAM-SHA-256': 32 } as const satisfies Record<ScramMechanism, number>
/** In bytes of UTF-8, after preparation. */
const LONGEST_PASSWORD = 1023

/** @throws PasswordRefused */
export function preparePassword(password: string): string {
  const prepared = tryPreparePassword(password)
  if (prepared === undefined) throw new PasswordRefused('the password is empty, too long or holds characters that are not allowed')
  return prepared
}

/** undefined for a text that no account can have as its password. */
export function tryPreparePassword(password: string): string | undefined {
  if (password.length > LONGEST_PASSWORD) return undefined
  try {
    const prepared = opaqueString(password)
    return Buffer.byteLength(prepared) > LONGEST_PASSWORD ? undefined : prepared
  } catch (error) {
    if (error instanceof PreparationError) return undefined
    throw error
  }
}

/** @param password prepared */
export async function deriveKeys(mechanism: ScramMechanism, password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const hash = SCRAM_HASH[mechanism]
  const salted = await derive(password, salt, iterations, KEY_BYTES[mechanism], hash)
  const clientKey = createHmac(hash, salted).update('Client Key').digest()
  const storedKey = createHash(hash).update(clientKey).digest()
  return { salt, iterations, storedKey, serverKey: createHmac(hash, salted).update('Server Key').digest() }
}

/** In time that depends on the keys' iterations alone. */
export async function isPasswordOf(keys: ScramKeys, mechanism: ScramMechanism, password: string): Promise<boolean> {
  const { storedKey } = await deriveKeys(mechanism, password, keys.salt, keys.iterations)
  return timingSafeEqual(storedKey, keys.storedKey)
}
