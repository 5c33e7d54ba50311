/** How addresses stand in columns that are part of a key. */
import { createHash } from 'node:crypto'
import type { Jid } from '@beaconfire/plugin-sdk'
import { LONGEST_JID } from './chat-log-tables.js'

const KEPT_OF_LONGER = 256

/**
 * The bare JID; one too long for the column is cut, with a digest of the whole behind a `#`. That is no JID of anybody:
 * neither has a domain a `#`, nor is there a JID with localpart and without `@`.
 */
export function jidColumn(jid: Jid): string {
  const text = jid.bare().toString()
  if (text.length <= LONGEST_JID) return text
  return `${text.slice(0, KEPT_OF_LONGER)}#${createHash('sha256').update(text).digest('base64url')}`
}

/**
 * A number of 48 bits, the same for both directions of a conversation; for a room that of its address alone. Two conversations can
 * have the same one, so that a query asks for the addresses as well. As a key it takes an eighth of the room the addresses would.
 */
export function conversationColumn(one: string, other = one): number {
  return one < other ? digest(one, other) : digest(other, one)
}

/** cyrb53 by bryc (public domain), of its 53 bits 48. Rows are found by it: it must stay as it is. */
function digest(one: string, other: string): number {
  const text = one === other ? one : `${one} ${other}` // JIDs hold no space outside the resourcepart
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (low & 0xffff) * 2 ** 32 + (high >>> 0)
}
