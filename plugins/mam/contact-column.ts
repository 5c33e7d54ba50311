/** The other side of a conversation as a number: as part of a key it takes a fraction of the room the address would. */
import { createHash } from 'node:crypto'
import { type Jid, TwoGenerationMap } from '@beaconfire/plugin-sdk'

/** Process-wide on purpose: it holds no state, only saves making the same digest again. */
const known = new TwoGenerationMap<number>(4096)

/** 48 bits of a digest of the bare JID. Two addresses can have the same one, so that a query asks for the address as well. */
export function contactColumn(jid: Jid): number {
  const text = jid.bare().toString()
  let column = known.get(text)
  if (column === undefined) {
    column = createHash('sha256').update(text).digest().readUIntBE(0, 6)
    known.set(text, column)
  }
  return column
}
