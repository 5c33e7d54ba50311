/** A kept message on its way out: parsed, stamped, and left behind when its time is over. */
import { type Jid, type Message, NS, parseStoredStanza, stampDelay, XmlError } from '@beaconfire/plugin-sdk'
import type { KeptMessage } from './offline-store.js'

/** @returns the message with its delay stamp (XEP-0203), or undefined when the row holds none */
export function keptStanza({ stanza, createdAt }: KeptMessage, domain: Jid): Message | undefined {
  try {
    const parsed = parseStoredStanza(stanza)
    return parsed.kind === 'message' ? stampDelay(parsed, createdAt, domain) : undefined
  } catch (error) {
    if (error instanceof XmlError || error instanceof TypeError) return undefined
    throw error
  }
}

/** XEP-0023: the sender gave the message so many seconds. What is left of them is written into it. @returns true when none is */
export function isExpired(message: Message, createdAt: Date, now = Date.now()): boolean {
  if (!message.hasChild('x', NS.expire)) return false
  const expiry = message.child('x', NS.expire)
  const seconds = Number(expiry?.attrs.seconds)
  if (!expiry || !Number.isFinite(seconds)) return false
  const left = Math.floor(seconds - (now - createdAt.getTime()) / 1000)
  if (left <= 0) return true
  expiry.attrs.seconds = String(left)
  return false
}
