/**
 * Throttling of failed logins.
 *
 * - By address: each failure adds one to a bucket that leaks one every 6 s; an address whose bucket holds 20 may not try
 *   until some has leaked out. IPv6 addresses count by their /64, which is what one customer has. This stops guessing
 *   from one machine and costs nobody else anything.
 * - By account: never refused, or anyone could lock a user out by failing in his name. After 5 failures (leaking one
 *   every 30 s) answers to attempts in that name are delayed, doubling from 250 ms to 4 s. An address from which
 *   the account has logged in before is spared the delay: its owner at home or at work notices nothing.
 *   The delay is by the name given, so it tells nothing about whether the account exists.
 *
 * Memory is bounded: 20,000 addresses, 20,000 names, 50,000 pairs; the oldest are forgotten first. Whoever can fail from
 * that many addresses gets past the first rule anyway.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { MaybePromise } from '@beaconfire/plugin-sdk'
import { BoundedMap } from './bounded-map.js'

const ADDRESS = { limit: 20, leakMs: 6_000, entries: 20_000 }
const ACCOUNT = { limit: 5, leakMs: 30_000, entries: 20_000 }
const MOST_PAIRS = 50_000
const FIRST_DELAY_MS = 250
const LONGEST_DELAY_MS = 4_000
/** The bucket of an account holds no more than leads to the longest delay, so that it is empty again within minutes. */
const ACCOUNT_CAPACITY = ACCOUNT.limit + Math.log2(LONGEST_DELAY_MS / FIRST_DELAY_MS) + 1

export interface LoginThrottleOptions {
  /** False lets everything through at once: for load tests (`limits.enabled`). */
  readonly enabled?: boolean
  /** Milliseconds that never go back. */
  readonly now?: () => number
}

export class LoginThrottle {
  readonly #enabled: boolean
  readonly #addresses: LeakyBuckets
  readonly #accounts: LeakyBuckets
  /** Pairs of account and address that logged in. */
  readonly #familiar = new BoundedMap<true>(MOST_PAIRS)

  constructor({ enabled = true, now = () => performance.now() }: LoginThrottleOptions = {}) {
    this.#enabled = enabled
    this.#addresses = new LeakyBuckets(ADDRESS.leakMs, ADDRESS.limit, ADDRESS.entries, now)
    this.#accounts = new LeakyBuckets(ACCOUNT.leakMs, ACCOUNT_CAPACITY, ACCOUNT.entries, now)
  }

  /** True when this address may try to log in now. */
  check(address: string): boolean {
    return !this.#enabled || this.#addresses.level(network(address)) <= ADDRESS.limit - 1
  }

  /** @param username prepared; undefined when the client did not come so far as to say one */
  failed(address: string, username?: string): void {
    if (!this.#enabled) return
    this.#addresses.add(network(address))
    if (username !== undefined) this.#accounts.add(username)
  }

  /** The failures of the address stay: else an attacker with one account of his own could empty its bucket at will. */
  succeeded(address: string, username: string): void {
    if (this.#enabled) this.#familiar.set(pair(address, username), true)
  }

  /** How long the answer to an attempt in this name has to wait, in milliseconds; 0 nearly always. */
  delayMs(address: string, username: string | undefined): number {
    if (!this.#enabled || username === undefined || this.#familiar.get(pair(address, username))) return 0
    const excess = Math.floor(this.#accounts.level(username)) - ACCOUNT.limit
    return excess < 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** excess, LONGEST_DELAY_MS)
  }

  /** Waits for {@link delayMs}, to be called before the answer is sent, right or wrong. Does not keep the process alive. */
  slowDown(address: string, username: string | undefined): MaybePromise<void> {
    const ms = this.delayMs(address, username)
    if (ms > 0) return wait(ms, undefined, { ref: false })
  }
}

class LeakyBuckets {
  readonly #buckets: BoundedMap<{ readonly level: number; readonly at: number }>
  readonly #leakMs: number
  readonly #capacity: number
  readonly #now: () => number

  constructor(leakMs: number, capacity: number, entries: number, now: () => number) {
    this.#buckets = new BoundedMap(entries)
    this.#leakMs = leakMs
    this.#capacity = capacity
    this.#now = now
  }

  level(key: string): number {
    const bucket = this.#buckets.get(key)
    return bucket ? Math.max(0, bucket.level - (this.#now() - bucket.at) / this.#leakMs) : 0
  }

  add(key: string): void {
    this.#buckets.set(key, { level: Math.min(this.level(key) + 1, this.#capacity), at: this.#now() })
  }
}

function pair(address: string, username: string): string {
  return `${username}/${network(address)}` // a localpart holds no slash
}

/** IPv4 as it is, also when mapped into IPv6; the first 64 bits of IPv6. */
function network(address: string): string {
  if (!address.includes(':')) return address
  const mapped = address.lastIndexOf(':') < address.lastIndexOf('.') ? address.slice(address.lastIndexOf(':') + 1) : undefined
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const groups = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return groups.slice(0, 4).join(':')
}
