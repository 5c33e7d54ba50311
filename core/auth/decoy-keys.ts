/**
 * Keys for accounts that do not exist. Their salt is made from the name and a secret, so that a name has the same one at
 * each asking, after a restart and on every node; otherwise asking twice would tell that there is no such account.
 * The keys themselves are never seen: they are bytes that no password leads to.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { type Database, type Logger, type MaybePromise, whenDone } from '@beaconfire/plugin-sdk'
import type { ScramKeys, ScramMechanism } from './credentials.js'
import { KEY_BYTES } from './password-keys.js'

const PROPERTY = 'beaconfire.auth.decoyKey'
const SECRET = 'select propValue from ofProperty where name = ?'
const SECRET_BYTES = 32
/** As many as a real salt has. */
const SALT_BYTES = 24

export class DecoyKeys {
  readonly #database: Database
  readonly #log: Logger | undefined
  #secret: Buffer | Promise<Buffer> | undefined
  readonly #unmatched = randomBytes(Math.max(...Object.values(KEY_BYTES)))

  constructor(database: Database, log?: Logger) {
    this.#database = database
    this.#log = log
  }

  of(username: string, mechanism: ScramMechanism, iterations: number): MaybePromise<ScramKeys> {
    return whenDone(this.#loadOnce(), (secret) => {
      const salt = createHmac('sha256', secret).update(`salt\0${mechanism}\0${username}`).digest().subarray(0, SALT_BYTES)
      const key = this.#unmatched.subarray(0, KEY_BYTES[mechanism])
      return { salt, iterations, storedKey: key, serverKey: key }
    })
  }

  #loadOnce(): MaybePromise<Buffer> {
    if (this.#secret) return this.#secret
    const loading = this.#load()
    this.#secret = loading
    loading.then(
      (secret) => void (this.#secret = secret),
      () => void (this.#secret = undefined), // the next login tries again
    )
    return loading
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
      // no reason to let nobody in: till the server stops it is as good
      this.#log?.warn({ error }, 'the secret that hides which accounts there are could not be stored; after a restart it is another')
      return made
    }
  }

  async #read(): Promise<Buffer | undefined> {
    const [row] = await this.#database.read<{ propValue: string }>(SECRET, [PROPERTY])
    return row && Buffer.from(row.propValue, 'base64')
  }
}
