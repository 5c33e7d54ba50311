/**
 * A full read of 64 KiB has some 300 stanzas, which would keep all other streams waiting: it is handled in pieces, in as many turns of
 * the event loop as it takes.
 */

/** In bytes. A shorter read is one piece. */
export const PIECE = 16 * 1024

/** Views, wherever a stanza is cut by that. */
export function* piecesOf(read: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < read.length; begin += PIECE) yield read.subarray(begin, begin + PIECE)
}
