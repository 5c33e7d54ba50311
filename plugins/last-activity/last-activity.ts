/** The answer of XEP-0012 §2. */
import { type Element, element, NS } from '@beaconfire/plugin-sdk'

/** @param seconds below 0, as after the clock was set back, counts as 0 */
export function lastActivity(seconds: number, status?: string): Element {
  return element('query', { xmlns: NS.lastActivity, seconds: Math.max(0, Math.floor(seconds)) }, status)
}
