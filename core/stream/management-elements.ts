/** Elements of stream management (XEP-0198), which are neither stanzas nor counted. */
import { type Element, element, NS } from '@beaconfire/plugin-sdk'

const MODULUS = 2 ** 32
const xmlns = NS.streamManagement

export type ManagementFailure = 'unexpected-request' | 'item-not-found' | 'bad-request' | 'feature-not-implemented'

export const REQUEST = `<r xmlns='${NS.streamManagement}'/>`

/** A count as it stands on the wire (§4): back to zero after 2^32 - 1. */
export function wireCount(count: number): number {
  return count % MODULUS
}

export function acknowledgement(handled: number): string {
  return `<a xmlns='${xmlns}' h='${wireCount(handled)}'/>`
}

/** @param session undefined when it cannot be resumed */
export function enabled(session?: { readonly id: string; readonly seconds: number; readonly location: string | undefined }): Element {
  if (!session) return element('enabled', { xmlns })
  return element('enabled', { xmlns, id: session.id, resume: 'true', max: session.seconds, location: session.location })
}

export function resumed(id: string, handled: number): Element {
  return element('resumed', { xmlns, previd: id, h: wireCount(handled) })
}

/** @param handled stanzas of the session meant that were handled, where that is known */
export function failed(condition: ManagementFailure, handled?: number): Element {
  return element('failed', { xmlns, h: handled === undefined ? undefined : wireCount(handled) }, element(condition, { xmlns: NS.stanzaErrors }))
}

/** @returns undefined when the text is no unsignedInt, as the schema has it */
export function countIn(text: string | undefined): number | undefined {
  const count = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : MODULUS
  return count < MODULUS ? count : undefined
}

/** @returns undefined when the text is no boolean of XML Schema; false where there is none */
export function booleanIn(text: string | undefined): boolean | undefined {
  if (text === 'true' || text === '1') return true
  return text === undefined || text === 'false' || text === '0' ? false : undefined
}

/** How far stands behind `count`, from 0 to 2^32 - 1. */
export function behind(count: number, onWire: number): number {
  return (((count - onWire) % MODULUS) + MODULUS) % MODULUS
}
