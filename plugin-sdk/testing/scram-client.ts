/** The client's side of SCRAM (RFC 5802, RFC 7677), with channel binding where the test gives what to bind to. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

export type ScramName = 'SCRAM-SHA-1' | 'SCRAM-SHA-256' | 'SCRAM-SHA-1-PLUS' | 'SCRAM-SHA-256-PLUS'

/** What the client says of channel binding (RFC 5802 §6). */
export interface ScramBinding {
  /** `n`: cannot bind; `y`: could, but saw no offer; `p=<type>`: binds. */
  readonly flag: string
  /** The channel binding data, for `p=`. */
  readonly data?: Buffer
}

export class ScramClient {
  readonly #hash: 'sha1' | 'sha256'
  readonly #password: string
  readonly #firstBare: string
  readonly #nonce: string
  readonly #binding: ScramBinding
  #serverSignature: Buffer | undefined

  constructor(
    mechanism: ScramName,
    username: string,
    password: string,
    nonce = randomBytes(18).toString('base64'),
    binding: ScramBinding = { flag: 'n' },
  ) {
    this.#nonce = nonce
    this.#binding = binding
    this.#hash = mechanism.startsWith('SCRAM-SHA-1') ? 'sha1' : 'sha256'
    this.#password = password
    this.#firstBare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`
  }

  /** client-first-message */
  first(): string {
    return `${this.#binding.flag},,${this.#firstBare}`
  }

  /** client-final-message. @throws Error when the server did not extend our nonce */
  final(serverFirst: string): string {
    const { r: nonce = '', s: salt = '', i: iterations = '' } = attributesOf(serverFirst)
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw new Error(`the server did not extend the nonce: ${serverFirst}`)
    const { flag, data = Buffer.alloc(0) } = this.#binding
    const withoutProof = `c=${Buffer.concat([Buffer.from(`${flag},,`), data]).toString('base64')},r=${nonce}`
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`
    const length = this.#hash === 'sha1' ? 20 : 32
    const salted = pbkdf2Sync(this.#password.normalize('NFC'), Buffer.from(salt, 'base64'), Number(iterations), length, this.#hash)
    const clientKey = this.#hmac(salted, 'Client Key')
    const storedKey = createHash(this.#hash).update(clientKey).digest()
    const signature = this.#hmac(storedKey, authMessage)
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), authMessage)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number))
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  }

  /** @throws Error when the server could not prove that it knows the account */
  verify(serverFinal: string): void {
    const given = Buffer.from(attributesOf(serverFinal).v ?? '', 'base64')
    const expected = this.#serverSignature
    if (!expected || given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error(`wrong server signature: ${serverFinal}`)
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest()
  }
}

function attributesOf(message: string): Record<string, string> {
  return Object.fromEntries(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}
