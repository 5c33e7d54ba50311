/**
 * Keys for accounts that do not exist. They are made from the name and a secret, so that a name has the same salt at
 * each asking, after a restart and on every node; otherwise asking twice would tell that there is no such account.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Database } from '@beaconfire/plugin-sdk'
import type { ScramKeys, ScramMechanism } from './credentials.js'
import { KEY_BYTES } from './password-keys.js'

const PROPERTY = 'beaconfire.auth.decoyKey'
const SECRET_BYTES = 32
/** As many as a real salt has. */
const SALT_BYTES = 24

export class DecoyKeys {
  readonly #database: Database
  #secret: Promise<Buffer> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  async of(username: string, mechanism: ScramMechanism, iterations: number): Promise<ScramKeys> {
    const secret = await this.#loadOnce()
    const bytes = (purpose: string, length: number) =>
      createHmac('sha256', secret).update(`${purpose}\0${mechanism}\0${username}`).digest().subarray(0, length)
    return {
      salt: bytes('salt', SALT_BYTES),
      iterations,
      storedKey: bytes('stored', KEY_BYTES[mechanism]),
      serverKey: bytes('server', KEY_BYTES[mechanism]),
    }
  }

  #loadOnce(): Promise<Buffer> {
    this.#secret ??= this.#load().catch((error: unknown) => {
      this.#secret = undefined // the next login tries again
      throw error
    })
    return this.#secret
  }

  async #load(): Promise<Buffer> {
    const stored = await this.#read()
    if (stored) return stored
    const made = randomBytes(SECRET_BYTES)
    try {
      await this.#database.knex('ofProperty').insert({ name: PROPERTY, propValue: made.toString('base64') })
      return made
    } catch (error) {
      const other = this.#database.isDuplicate(error) ? await this.#read() : undefined // another node was first
      if (other) return other
      throw error
    }
  }

  async #read(): Promise<Buffer | undefined> {
    const row = await this.#database.knex('ofProperty').where({ name: PROPERTY }).first<{ propValue: string } | undefined>('propValue')
    return row && Buffer.from(row.propValue, 'base64')
  }
}
