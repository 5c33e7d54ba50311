/**
 * Openfire's reversible encryption of passwords (openfire.md §3.2): Blowfish in CBC mode over UTF-16BE with PKCS5 padding, the text of
 * a row being hex(IV) + hex(ciphertext). The key is made of the property `passwordKey`. OpenSSL 3 has Blowfish no more.
 */
import { createHash, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

export type KeyDerivation = 'sha1' | 'pbkdf2'

const BLOCK = 8
const ROUNDS = 100_000
const KEY_BYTES = 32
/** Characters of the column `encryptedPassword`. */
const LONGEST_TEXT = 255
const HEX = /^(?:[0-9a-f]{2})+$/i

/** What is used of the package. Its padding is left aside: it takes any for right. */
interface BlockCipher {
  setIv(iv: Uint8Array): void
  encode(data: Uint8Array): Uint8Array
  decode(data: Uint8Array, type: number): Uint8Array
}
interface BlowfishClass {
  readonly MODE: { readonly CBC: number }
  readonly PADDING: { readonly PKCS5: number }
  readonly TYPE: { readonly UINT8_ARRAY: number }
  new (key: Uint8Array, mode: number, padding: number): BlockCipher
}

export class PasswordCipher {
  readonly #cipher: BlockCipher
  readonly #bytes: number

  private constructor(cipher: BlockCipher, bytes: number) {
    this.#cipher = cipher
    this.#bytes = bytes
  }

  /** @param salt base64, for `pbkdf2` @throws RangeError when the salt is missing or no base64 */
  static async create(passwordKey: string, derivation: KeyDerivation, salt: string | undefined): Promise<PasswordCipher> {
    const key = derivation === 'sha1' ? createHash('sha1').update(passwordKey).digest() : await derived(passwordKey, salt)
    const { default: Blowfish } = (await import('blowfish-node')) as unknown as { default: BlowfishClass }
    return new PasswordCipher(new Blowfish(key, Blowfish.MODE.CBC, Blowfish.PADDING.PKCS5), Blowfish.TYPE.UINT8_ARRAY)
  }

  /** @returns undefined for what no encryption with this key has made, as far as that can be seen */
  decrypt(text: string): string | undefined {
    if (!HEX.test(text)) return undefined
    const bytes = Buffer.from(text, 'hex')
    if (bytes.length < 2 * BLOCK || bytes.length % BLOCK !== 0) return undefined
    this.#cipher.setIv(bytes.subarray(0, BLOCK))
    const plain = Buffer.from(this.#cipher.decode(bytes.subarray(BLOCK), this.#bytes))
    const padding = bytes.length - BLOCK - plain.length
    if (padding < 1 || padding > BLOCK || plain.length === 0 || plain.length % 2 !== 0) return undefined
    const password = plain.swap16().toString('utf16le')
    return isWellFormed(password) ? password : undefined
  }

  /** @returns undefined when the column has no room for it, which is from 56 characters on */
  encrypt(password: string): string | undefined {
    const iv = randomBytes(BLOCK)
    this.#cipher.setIv(iv)
    const text = iv.toString('hex') + Buffer.from(this.#cipher.encode(Buffer.from(password, 'utf16le').swap16())).toString('hex')
    return text.length <= LONGEST_TEXT ? text : undefined
  }
}

async function derived(passwordKey: string, salt: string | undefined): Promise<Buffer> {
  const bytes = Buffer.from(salt ?? '', 'base64')
  if (bytes.length === 0) throw new RangeError('the salt of encrypted passwords is no base64')
  return promisify(pbkdf2)(passwordKey, bytes, ROUNDS, KEY_BYTES, 'sha512')
}

/** Decrypting with another key gives noise, of which little is text: no control characters, no half of a pair. */
function isWellFormed(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\p{Cn}]/u.test(text)
}
