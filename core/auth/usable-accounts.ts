/**
 * Accounts that were seen a moment ago to be there and not locked out: between the end of SASL and the binding that follows at once
 * nothing need be asked again. What this process changes ends it at once; what another one does counts a moment later.
 */
import { BoundedMap } from './bounded-map.js'

const MOST = 10_000
/** Longer than a client takes from one to the other, nearly always. */
const BELIEVED_MS = 2000

export class UsableAccounts {
  /** Until when each is believed, by `now`. */
  readonly #until = new BoundedMap<number>(MOST)
  readonly #now: () => number
  #changes = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts calls of {@link changed}. */
  get changes(): number {
    return this.#changes
  }

  has(username: string): boolean {
    return (this.#until.get(username) ?? 0) > this.#now()
  }

  /** Remembers what a look-up found, unless an account was changed since it began. */
  seen(username: string, changesBefore: number): void {
    if (changesBefore === this.#changes) this.#until.set(username, this.#now() + BELIEVED_MS)
  }

  /** An account was removed, locked out, or given another password. */
  changed(username: string): void {
    this.#changes++
    this.#until.delete(username)
  }
}
