/** How many registrations one address may try in an hour, in a table that cannot outgrow its limit. */
import { isIPv6 } from 'node:net'

const HOUR_MS = 3_600_000
/** Addresses remembered; with more, the one whose hour began first is forgotten. */
const MOST_ADDRESSES = 10_000

interface Attempts {
  count: number
  readonly since: number
}

export class RegistrationLimit {
  /** In order of `since`, oldest first: entries are never moved, so the order of a Map is the order of age. */
  readonly #attempts = new Map<string, Attempts>()
  readonly #perHour: number

  /** @param perHour 0 sets no limit */
  constructor(perHour: number) {
    this.#perHour = perHour
  }

  /** Counts an attempt. @returns false when the address has had its share of this hour */
  take(address: string, now = Date.now()): boolean {
    if (this.#perHour === 0) return true
    const key = networkOf(address)
    const attempts = this.#attempts.get(key)
    if (attempts && now - attempts.since < HOUR_MS) {
      if (attempts.count >= this.#perHour) return false
      attempts.count++
      return true
    }
    this.#attempts.delete(key)
    if (this.#attempts.size >= MOST_ADDRESSES) this.#forgetOldest(now)
    this.#attempts.set(key, { count: 1, since: now })
    return true
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#attempts.size
  }

  #forgetOldest(now: number): void {
    for (const [key, { since }] of this.#attempts) {
      if (this.#attempts.size < MOST_ADDRESSES && now - since < HOUR_MS) return
      this.#attempts.delete(key)
    }
  }
}

/** One subscriber has a whole /64 of IPv6, so the network counts, not the address. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':')
}
