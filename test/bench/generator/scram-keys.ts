/** SCRAM keys of the bench's accounts, kept over runs: PBKDF2 is the server's work to measure, not the generator's. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

export interface ScramKeys {
  readonly clientKey: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export class ScramKeyCache {
  readonly #file: string
  /** `user|salt|iterations` to the client's and the server's key in base64. */
  readonly #keys: Map<string, readonly [string, string]>
  readonly #users: Set<string>
  #changed = false

  /** A file that is missing is made by {@link save}. @throws when it is no JSON */
  constructor(file: string) {
    this.#file = file
    const saved = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, [string, string]>) : {}
    this.#keys = new Map(Object.entries(saved))
    this.#users = new Set([...this.#keys.keys()].map((key) => key.slice(0, key.indexOf('|'))))
  }

  knows(user: string): boolean {
    return this.#users.has(user)
  }

  keysFor(user: string, password: string, salt: string, iterations: number): ScramKeys {
    const name = `${user}|${salt}|${iterations}`
    let pair = this.#keys.get(name)
    if (!pair) {
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, 20, 'sha1')
      pair = [hmac(salted, 'Client Key').toString('base64'), hmac(salted, 'Server Key').toString('base64')]
      this.#keys.set(name, pair)
      this.#users.add(user)
      this.#changed = true
    }
    const clientKey = Buffer.from(pair[0], 'base64')
    return { clientKey, storedKey: createHash('sha1').update(clientKey).digest(), serverKey: Buffer.from(pair[1], 'base64') }
  }

  /** Writes beside and renames, so that an interrupted run leaves no half file. */
  save(): void {
    if (!this.#changed) return
    const beside = `${this.#file}.${process.pid}`
    writeFileSync(beside, JSON.stringify(Object.fromEntries(this.#keys)))
    renameSync(beside, this.#file)
    this.#changed = false
  }
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha1', key).update(text).digest()
}
