/** Bytes to text, strictly UTF-8 and in pieces of any size. Holds nothing between characters. */
import { isAscii, isUtf8 } from 'node:buffer'

const NOTHING = new Uint8Array(0)

export class Utf8Decoder {
  #carried: Uint8Array = NOTHING
  #isBroken = false

  /** True once bytes came that are no UTF-8; what {@link decode} gave then was the text before them. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Bytes of a character that has only begun, 0..3. */
  get carriedBytes(): number {
    return this.#carried.length
  }

  /** A byte order mark is a character like any other (RFC 6120 §11.6). */
  decode(chunk: Uint8Array): string {
    if (this.#carried.length === 0 && isAscii(chunk)) return bufferOver(chunk).latin1Slice()
    const bytes = this.#carried.length === 0 ? bufferOver(chunk) : (Buffer.concat([this.#carried, chunk]) as SlicingBuffer)
    const end = bytes.length - unfinishedLength(bytes)
    if (!isUtf8(bytes.subarray(0, end))) {
      this.#isBroken = true
      this.#carried = NOTHING
      return bytes.utf8Slice(0, validLength(bytes, end))
    }
    this.#carried = end === bytes.length ? NOTHING : Uint8Array.from(bytes.subarray(end))
    return bytes.utf8Slice(0, end)
  }
}

/** Node's own, left out of its types: `latin1Slice` and `utf8Slice` do what `toString` does without looking up the encoding by name. */
interface SlicingBuffer extends Buffer {
  latin1Slice(): string
  utf8Slice(start: number, end: number): string
}

function bufferOver(chunk: Uint8Array): SlicingBuffer {
  return (Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)) as SlicingBuffer
}

/** Bytes at the end that begin a character without ending it. */
function unfinishedLength(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte < 0xc0) continue
    return back < lengthOfLead(byte) ? back : 0
  }
  return 0
}

function lengthOfLead(byte: number): number {
  if (byte < 0xc2 || byte > 0xf4) return 1 // never part of UTF-8: not worth waiting for more
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
}

/** How many of the first `end` bytes are whole, valid characters. Validity only ever ends once, so halving finds the place. */
function validLength(bytes: Uint8Array, end: number): number {
  let good = 0
  let bad = end
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    const upTo = middle - unfinishedLength(bytes.subarray(0, middle))
    if (isUtf8(bytes.subarray(0, upTo))) good = middle
    else bad = middle
  }
  return good - unfinishedLength(bytes.subarray(0, good))
}
