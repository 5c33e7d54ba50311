/** Counts wrong admin tokens by address, within fixed windows and bounded memory. */
import { BoundedMap } from '../auth/bounded-map.js'

const WINDOW_MS = 60_000
const WRONG_PER_WINDOW = 20
const MOST_ADDRESSES = 10_000

export class TokenThrottle {
  readonly #now: () => number
  #wrong = new BoundedMap<number>(MOST_ADDRESSES)
  #windowEnds = 0

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Seconds to wait when this address has used up its tries, else undefined. */
  retryAfter(address: string): number | undefined {
    this.#turnWindow()
    if ((this.#wrong.get(keyOf(address)) ?? 0) < WRONG_PER_WINDOW) return undefined
    return Math.max(1, Math.ceil((this.#windowEnds - this.#now()) / 1000))
  }

  failed(address: string): void {
    this.#turnWindow()
    const key = keyOf(address)
    this.#wrong.set(key, (this.#wrong.get(key) ?? 0) + 1)
  }

  #turnWindow(): void {
    if (this.#now() < this.#windowEnds) return
    this.#windowEnds = this.#now() + WINDOW_MS
    this.#wrong = new BoundedMap(MOST_ADDRESSES)
  }
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** One host often has a whole /64 of IPv6 addresses, so they count as one. */
function keyOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  return expand(address).slice(0, 4).join(':')
}

function expand(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  if (tail === undefined) return left
  const right = tail === '' ? [] : tail.split(':')
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
}
