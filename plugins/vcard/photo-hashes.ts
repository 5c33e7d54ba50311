/** The photo hash of every user who is connected, so that presence need not wait for the database. */
import { isPromise, type Logger, type MaybePromise, parseElement, XmlError } from '@beaconfire/plugin-sdk'
import { photoHash } from './photo-hash.js'
import type { VcardStore } from './vcard-store.js'

/** Hexadecimal; '' for a vCard without a photo; undefined where there is no vCard. */
export type PhotoHash = string | undefined

export class PhotoHashes {
  readonly #store: Pick<VcardStore, 'find'>
  readonly #log: Logger
  readonly #known = new Map<string, MaybePromise<PhotoHash>>()

  constructor(store: Pick<VcardStore, 'find'>, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /** At once when it is known; otherwise it is read, and known until {@link forget}. */
  of(username: string): MaybePromise<PhotoHash> {
    if (this.#known.has(username)) return this.#known.get(username)
    const reading = this.#read(username)
    this.#known.set(username, reading)
    // What was forgotten meanwhile, since the vCard changed or the user left, stays forgotten.
    reading.then(
      (hash) => this.#known.get(username) === reading && this.#known.set(username, hash),
      () => this.#known.get(username) === reading && this.#known.delete(username),
    )
    return reading
  }

  forget(username: string): void {
    this.#known.delete(username)
  }

  /** Reads it anew, after the vCard was stored. */
  refreshed(username: string): Promise<PhotoHash> {
    this.forget(username)
    const hash = this.of(username)
    return isPromise(hash) ? hash : Promise.resolve(hash)
  }

  async #read(username: string): Promise<PhotoHash> {
    const vcard = await this.#store.find(username)
    if (vcard === undefined) return undefined
    try {
      return photoHash(parseElement(vcard))
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.#log.warn({ username, error }, 'a stored vCard cannot be read')
      return undefined
    }
  }
}
