/** What shows that a package that came by the admin API is what its sender meant to send. */
import { createHash, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { type PackageProof, PackageRefused } from './registries.js'

/** Largest package that can be uploaded, in bytes. */
export const MAX_PACKAGE_BYTES = 16 * 1024 * 1024

/** What comes before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const SHA256 = /^[0-9a-f]{64}$/i

/** @param keys base64 of the key or of its DER form, or PEM @throws Error that names the one that is no key */
export function trustedKeys(keys: readonly string[]): readonly KeyObject[] {
  return keys.map((text, at) => {
    try {
      const key = text.includes('BEGIN') ? createPublicKey(text) : createPublicKey({ key: derOf(text), format: 'der', type: 'spki' })
      if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${key.asymmetricKeyType}`)
      return key
    } catch (error) {
      throw new Error(
        `plugins.trustedKeys[${at}] is no Ed25519 public key in base64 or PEM: ${error instanceof Error ? error.message : 'unreadable'}`,
      )
    }
  })
}

function derOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 32 ? Buffer.concat([ED25519_PREFIX, bytes]) : bytes
}

/**
 * With trusted keys a signature by one of them is needed, without them a checksum will do. What is given must be right.
 * @throws PackageRefused
 */
export function checkProof(file: Uint8Array, { sha256, signature }: PackageProof, keys: readonly KeyObject[]): void {
  if (file.length > MAX_PACKAGE_BYTES) throw new PackageRefused(`the package is larger than ${MAX_PACKAGE_BYTES} bytes`)
  if (sha256 !== undefined) {
    if (!SHA256.test(sha256)) throw new PackageRefused('sha256 must be 64 hexadecimal digits, as sha256sum prints them')
    const digest = createHash('sha256').update(file).digest()
    if (!timingSafeEqual(digest, Buffer.from(sha256, 'hex')))
      throw new PackageRefused(`the package has another checksum, ${digest.toString('hex')}; it was damaged on its way, or is another file`)
  }
  if (keys.length === 0) {
    if (signature !== undefined)
      throw new PackageRefused('a signature cannot be checked: plugins.trustedKeys is empty; configure the key, or send sha256')
    if (sha256 === undefined) throw new PackageRefused('send the checksum of the package as sha256')
    return
  }
  if (signature === undefined) throw new PackageRefused('send a signature of the package by one of plugins.trustedKeys')
  const bytes = Buffer.from(signature, 'base64')
  if (!keys.some((key) => verify(null, file, key, bytes))) throw new PackageRefused('the signature is by none of plugins.trustedKeys')
}
