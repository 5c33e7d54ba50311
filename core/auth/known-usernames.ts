/** Which usernames exist, as far as it is remembered: asked for every stanza to an absent user. */
import { BoundedMap } from './bounded-map.js'

const MOST_PRESENT = 100_000
/** Few and short-lived: anyone can ask for names that do not exist, and another program may create them. */
const MOST_ABSENT = 10_000
const ABSENT_MS = 10_000
/** Another node, or Openfire on the same database, may have removed an account. */
const PRESENT_MS = 300_000

export class KnownUsernames {
  /** Until when each is believed, by `now`. */
  readonly #present = new BoundedMap<number>(MOST_PRESENT)
  readonly #absent = new BoundedMap<number>(MOST_ABSENT)
  readonly #now: () => number
  #changes = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts calls of {@link changed}. */
  get changes(): number {
    return this.#changes
  }

  /** undefined when it must be looked up. */
  get(username: string): boolean | undefined {
    if ((this.#present.get(username) ?? 0) > this.#now()) return true
    if ((this.#absent.get(username) ?? 0) > this.#now()) return false
    return undefined
  }

  /** Remembers what a look-up found, unless an account came or went since it began: it may have read the state before. */
  found(username: string, exists: boolean, changesBefore: number): void {
    if (changesBefore !== this.#changes) return
    if (exists) this.#present.set(username, this.#now() + PRESENT_MS)
    else this.#absent.set(username, this.#now() + ABSENT_MS)
  }

  /** An account was created or removed. */
  changed(username: string, exists: boolean): void {
    this.#changes++
    this.#present.delete(username)
    this.#absent.delete(username)
    this.found(username, exists, this.#changes)
  }
}
