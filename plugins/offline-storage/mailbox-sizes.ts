/** How much is kept for whom, remembered so that keeping one message more needs no query. */
import type { MaybePromise } from '@beaconfire/plugin-sdk'

/** Users remembered; with more, the one asked for first is forgotten. */
const MOST_USERS = 20_000

export class MailboxSizes {
  readonly #known = new Map<string, number>()
  readonly #loading = new Map<string, Promise<number>>()
  readonly #load: (username: string) => Promise<number>

  constructor(load: (username: string) => Promise<number>) {
    this.#load = load
  }

  /** Characters kept for this user. @throws (rejects) with the database's error */
  of(username: string): MaybePromise<number> {
    return this.#known.get(username) ?? this.#loading.get(username) ?? this.#startLoading(username)
  }

  /** The same without asking; undefined for a user who is not remembered. */
  known(username: string): number | undefined {
    return this.#known.get(username)
  }

  /** A message was added; nothing happens for a user who is not remembered. */
  grow(username: string, by: number): void {
    const size = this.#known.get(username)
    if (size !== undefined) this.#known.set(username, size + by)
  }

  /** Messages were removed, or it is not certain what is there: asked anew next time. */
  forget(username: string): void {
    this.#known.delete(username)
    this.#loading.delete(username) // what it finds may be old already, and is not remembered
  }

  /** All who ask meanwhile get the same promise, so that they go on in the order in which they asked. */
  #startLoading(username: string): Promise<number> {
    const loading: Promise<number> = this.#load(username).then(
      (size) => {
        if (this.#loading.get(username) === loading) this.#remember(username, size)
        this.#done(username, loading)
        return size
      },
      (error: unknown) => {
        this.#done(username, loading)
        throw error
      },
    )
    this.#loading.set(username, loading)
    return loading
  }

  #done(username: string, loading: Promise<number>): void {
    if (this.#loading.get(username) === loading) this.#loading.delete(username)
  }

  #remember(username: string, size: number): void {
    if (this.#known.size >= MOST_USERS) {
      const [first] = this.#known.keys()
      if (first !== undefined) this.#known.delete(first)
    }
    this.#known.set(username, size)
  }
}
