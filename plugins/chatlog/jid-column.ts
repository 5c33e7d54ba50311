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

/** The same for both directions of a conversation. JIDs hold no space outside the resourcepart, so it separates. */
export function conversationColumn(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}
