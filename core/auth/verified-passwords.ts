/**
 * Remembers that a password was right, so that a client that logs in again with PLAIN costs no PBKDF2.
 *
 * Why this is safe: what is kept is HMAC-SHA256 under a random key that never leaves this process and is never written,
 * so a copy of the database or of a backup gains nothing. Only who reads the memory of the running process has both, and
 * such a reader sees the passwords of PLAIN as they come in. The stored key goes into the digest: when the password is
 * changed, here or by another node on the same database, the old digest matches nothing. Whether an account is disabled
 * is no part of it and is asked each time. A wrong password is never remembered, so each guess costs the full derivation.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { BoundedMap } from './bounded-map.js'

const MOST_REMEMBERED = 50_000

export class VerifiedPasswords {
  readonly #digests = new BoundedMap<Buffer>(MOST_REMEMBERED)
  readonly #key = randomBytes(32)

  /** @param storedKey the one in the store now */
  has(username: string, password: string, storedKey: Buffer): boolean {
    const known = this.#digests.get(username)
    return known !== undefined && timingSafeEqual(known, this.#digest(password, storedKey))
  }

  remember(username: string, password: string, storedKey: Buffer): void {
    this.#digests.set(username, this.#digest(password, storedKey))
  }

  forget(username: string): void {
    this.#digests.delete(username)
  }

  /** The stored key comes first and has a fixed length, so no two pairs give the same bytes. */
  #digest(password: string, storedKey: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(storedKey).update(password).digest()
  }
}
