/**
 * Archive ids as clients see them: row numbers, enciphered. So they are unique, cannot be guessed, tell nothing of how much is archived
 * (XEP-0313 §3, XEP-0359 §6), and lead back to the row without a further index.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

/** Bytes of a block of AES, and of a key. */
const BLOCK = 16
/** Where the number stands in a block; all other bytes are 0, which tells an id of ours from any other text. */
const NUMBER_AT = 2
const NUMBER_BYTES = 6
/** Numbers whose ids are made together, since they are given out one after the other: most of a single one's cost is the call. */
const PAGE = 256
/** A block in base64url. */
const FORM = /^[\w-]{22}$/

export class ArchiveIds {
  readonly #cipher
  readonly #decipher
  /** Ids of the numbers from `#pageStart` on: those asked for last. */
  #page: Buffer = Buffer.alloc(0)
  #pageStart = 0
  #last = -1

  /** @param key 16 bytes */
  constructor(key: Uint8Array) {
    // One block at a time, each another one: there is nothing to chain.
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    this.#decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  }

  /** @param archiveID below 2^48 */
  text(archiveID: number): string {
    let at = (archiveID - this.#pageStart) * BLOCK
    if (at < 0 || at >= this.#page.length) {
      // A row that is looked up stands alone; rows that are filed come one after the other.
      this.#page = this.#enciphered(archiveID, archiveID === this.#last + 1 ? PAGE : 1)
      this.#pageStart = archiveID
      at = 0
    }
    this.#last = archiveID
    return this.#page.toString('base64url', at, at + BLOCK)
  }

  /** The number, or undefined for text that is no id of ours. */
  number(text: string): number | undefined {
    if (!FORM.test(text)) return undefined
    const given = Buffer.from(text, 'base64url')
    // The last letter holds bits that decoding ignores: only the form that was given out counts.
    if (given.toString('base64url') !== text) return undefined
    const block = this.#decipher.update(given)
    const isOurs = block.every((byte, at) => byte === 0 || (at >= NUMBER_AT && at < NUMBER_AT + NUMBER_BYTES))
    return isOurs ? block.readUIntBE(NUMBER_AT, NUMBER_BYTES) : undefined
  }

  #enciphered(start: number, count: number): Buffer {
    const page = Buffer.alloc(count * BLOCK)
    for (let at = 0; at < count; at++) page.writeUIntBE(start + at, at * BLOCK + NUMBER_AT, NUMBER_BYTES)
    return this.#cipher.update(page)
  }
}
