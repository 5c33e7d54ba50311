/** A kept message on its way out: parsed, stamped, and left behind when its time is over. */
import { isXmlText, type Jid, JidError, type Message, NS, parseStoredStanza, stampDelay, XmlError } from '@beaconfire/plugin-sdk'
import type { KeptMessage } from './offline-store.js'

/** @returns the message with its delay stamp (XEP-0203), or undefined when the row holds none */
export function keptStanza({ stanza, createdAt }: KeptMessage, domain: Jid): Message | undefined {
  const parsed = readMessage(stanza) ?? readMessage(withoutIllegalReferences(stanza))
  return parsed && stampDelay(parsed, createdAt, domain)
}

function readMessage(xml: string): Message | undefined {
  try {
    const parsed = parseStoredStanza(xml)
    if (parsed.kind !== 'message') return undefined
    void [parsed.from, parsed.to] // addresses of others' rows may be none
    return parsed
  } catch (error) {
    if (error instanceof XmlError || error instanceof TypeError || error instanceof JidError) return undefined
    throw error
  }
}

const REFERENCE = /&#(?:x([0-9a-f]{1,8})|([0-9]{1,8}));/gi

/** Openfire kept what clients of its time sent: references to characters that XML does not have, such as `&#7;`, go as they do there. */
function withoutIllegalReferences(xml: string): string {
  return xml.replace(REFERENCE, (reference, hex?: string, decimal?: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && isXmlText(String.fromCodePoint(code)) ? reference : ''
  })
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
