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
  /** Ids of the {@link PAGE} numbers from `#pageStart` on, the page used last. */
  #page: Buffer | undefined
  #pageStart = 0

  /** @param key 16 bytes */
  constructor(key: Uint8Array) {
    // One block at a time, each another one: there is nothing to chain.
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    this.#decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  }

  /** @param archiveID below 2^48 */
  text(archiveID: number): string {
    const within = archiveID % PAGE
    const start = archiveID - within
    if (!this.#page || this.#pageStart !== start) {
      this.#page = this.#enciphered(start)
      this.#pageStart = start
    }
    return this.#page.toString('base64url', within * BLOCK, (within + 1) * BLOCK)
  }

  /** The number, or undefined for text that is no id of ours. */
  number(text: string): number | undefined {
    if (!FORM.test(text)) return undefined
    const block = this.#decipher.update(Buffer.from(text, 'base64url'))
    const archiveID = block.readUIntBE(NUMBER_AT, NUMBER_BYTES)
    // The last letter holds bits that decoding ignores: only the form that was given out counts.
    return block.every((byte, at) => byte === 0 || (at >= NUMBER_AT && at < NUMBER_AT + NUMBER_BYTES)) && this.text(archiveID) === text
      ? archiveID
      : undefined
  }

  #enciphered(start: number): Buffer {
    const page = Buffer.alloc(PAGE * BLOCK)
    for (let at = 0; at < PAGE; at++) page.writeUIntBE(start + at, at * BLOCK + NUMBER_AT, NUMBER_BYTES)
    return this.#cipher.update(page)
  }
}
