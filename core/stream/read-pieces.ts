/**
 * A full read of 64 KiB has some 300 stanzas, which would keep all other streams waiting: it is handled in pieces, in as many turns of
 * the event loop as it takes.
 */

/** In bytes. A shorter read is one piece. */
export const PIECE = 16 * 1024
/** What comes in bulk. */
const MESSAGE = '<message'

/** Views, each less than two {@link PIECE}s long. Cut before a message, where one begins soon: a stanza in two pieces costs as much as ten in one. */
export function* piecesOf(read: Uint8Array): Generator<Uint8Array> {
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength)
  let begin = 0
  while (bytes.length - begin > PIECE) {
    const end = begin + PIECE
    const toMessage = Math.max(bytes.subarray(end, end + PIECE).indexOf(MESSAGE), 0)
    yield bytes.subarray(begin, end + toMessage)
    begin = end + toMessage
  }
  yield bytes.subarray(begin)
}
