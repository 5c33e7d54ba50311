/** Shows the receiver who sent a batch, and when. */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const SIGNATURE_HEADER = 'beaconfire-signature'

/** HMAC-SHA-256 of time and body. @param at epoch seconds: a receiver refuses what is old, so that nothing can be sent again later */
export function signatureOf(secret: string, at: number, body: string): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`
}

/** As a receiver checks it. @param now epoch seconds @param tolerance how old a batch may be, in seconds */
export function isSignedBy(secret: string, header: string, body: string, now: number, tolerance = 300): boolean {
  const at = /^t=(\d{1,12}),v1=[0-9a-f]{64}$/.exec(header)?.[1]
  if (at === undefined || Math.abs(now - Number(at)) > tolerance) return false
  return timingSafeEqual(Buffer.from(header), Buffer.from(signatureOf(secret, Number(at), body)))
}
