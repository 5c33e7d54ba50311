/** A token bucket for each account and kind of stanza. What is full again is forgotten, and there are never more accounts than allowed. */
import type { StanzaKind } from '@beaconfire/plugin-sdk'
import type { Limits } from './config.js'

export interface Account {
  /** What is left, at the time `at`. */
  readonly tokens: Record<StanzaKind, number>
  /** Epoch milliseconds. */
  at: number
  refused: number
  lastRefusedAt: number | undefined
  lastRefused: StanzaKind | undefined
}

/** A row of {@link Buckets.limited}. */
export interface LimitedAccount {
  readonly user: string
  readonly refused: number
  readonly lastRefusedAt: number
  readonly lastRefused: StanzaKind
  /** How long until a stanza of the kind refused last goes through, in ms. */
  readonly waitMs: number
}

export type Saved = readonly (readonly [string, Account])[]

export class Buckets {
  readonly #limits: Limits
  readonly #most: number
  readonly #now: () => number
  /** By bare JID, the longest silent first. */
  readonly #accounts = new Map<string, Account>()

  /** @param most accounts remembered @param now epoch milliseconds */
  constructor(limits: Limits, most: number, now: () => number = Date.now) {
    this.#limits = limits
    this.#most = most
    this.#now = now
  }

  get size(): number {
    return this.#accounts.size
  }

  /** Takes one token. @returns false when there is none */
  take(user: string, kind: StanzaKind): boolean {
    const account = this.#refilled(user)
    if (account.tokens[kind] >= 1) {
      account.tokens[kind]--
      return true
    }
    account.refused++
    account.lastRefusedAt = account.at
    account.lastRefused = kind
    return false
  }

  /** Accounts that something was refused to, the last first. */
  limited(): LimitedAccount[] {
    const found: LimitedAccount[] = []
    for (const [user, { refused, lastRefused, lastRefusedAt, tokens, at }] of this.#accounts) {
      if (lastRefused === undefined || lastRefusedAt === undefined) continue
      const missing = 1 - tokens[lastRefused] - this.#gained(lastRefused, at)
      const waitMs = Math.max(0, Math.ceil((missing / this.#limits[lastRefused].perSecond) * 1000))
      found.push({ user, refused, lastRefused, lastRefusedAt, waitMs })
    }
    return found.sort((a, b) => b.lastRefusedAt - a.lastRefusedAt)
  }

  /** Gives the account full buckets. @returns false when none was remembered */
  forgive(user: string): boolean {
    return this.#accounts.delete(user)
  }

  /** Forgets accounts whose buckets are full again: they are as those that never sent anything. */
  sweep(): void {
    const kinds = Object.keys(this.#limits) as StanzaKind[]
    for (const [user, { at, tokens }] of this.#accounts) {
      if (kinds.every((kind) => tokens[kind] + this.#gained(kind, at) >= this.#limits[kind].burst)) this.#accounts.delete(user)
    }
  }

  save(): Saved {
    return [...this.#accounts]
  }

  /** Limits may have changed since: nobody has more than they allow now. */
  restore(saved: Saved): void {
    for (const [user, account] of saved.slice(-this.#most)) this.#accounts.set(user, account)
  }

  /** The account as it is now, and the last to be forgotten. */
  #refilled(user: string): Account {
    const known = this.#accounts.get(user)
    const now = this.#now()
    if (known) {
      for (const kind in known.tokens) {
        const [at, { burst }] = [kind as StanzaKind, this.#limits[kind as StanzaKind]]
        known.tokens[at] = Math.min(burst, known.tokens[at] + this.#gained(at, known.at))
      }
      known.at = now
      this.#accounts.delete(user)
    } else if (this.#accounts.size >= this.#most) {
      for (const [oldest] of this.#accounts) {
        this.#accounts.delete(oldest)
        break
      }
    }
    const account = known ?? { tokens: this.#full(), at: now, refused: 0, lastRefusedAt: undefined, lastRefused: undefined }
    this.#accounts.set(user, account)
    return account
  }

  #full(): Record<StanzaKind, number> {
    const { message, presence, iq } = this.#limits
    return { message: message.burst, presence: presence.burst, iq: iq.burst }
  }

  /** The clock may have been set back. */
  #gained(kind: StanzaKind, since: number): number {
    return (Math.max(0, this.#now() - since) / 1000) * this.#limits[kind].perSecond
  }
}
