/** Which accounts have lists, and the lists of those that were asked for lately: who has none costs one look into a set. */
import { type MaybePromise, TwoGenerationMap } from '@beaconfire/plugin-sdk'
import { type AccountLists, NO_LISTS } from './account-lists.js'
import type { PrivacyStore } from './privacy-store.js'

export class KnownLists {
  readonly #having = new Set<string>()
  readonly #cached: TwoGenerationMap<AccountLists>
  readonly #loading = new Map<string, Promise<AccountLists>>()
  /** For each account the last change queued. Never rejects. */
  readonly #changes = new Map<string, Promise<void>>()
  readonly #store: PrivacyStore

  /** @param remembered accounts whose lists are held at most */
  constructor(store: PrivacyStore, remembered: number) {
    this.#store = store
    this.#cached = new TwoGenerationMap(Math.ceil(remembered / 2))
  }

  /** Accounts that have lists. */
  get size(): number {
    return this.#having.size
  }

  async start(): Promise<void> {
    await this.#store.start()
    for (const username of await this.#store.accounts()) this.#having.add(username)
  }

  /** Those that have lists. */
  accounts(): readonly string[] {
    return [...this.#having]
  }

  /** The version before knew better than what was read at the start: it has served since. */
  adopt(accounts: readonly string[]): void {
    this.#having.clear()
    for (const username of accounts) this.#having.add(username)
  }

  /** True when this account has any list. */
  has(username: string): boolean {
    return this.#having.has(username)
  }

  /** Its lists, at once when they are remembered. */
  of(username: string): MaybePromise<AccountLists> {
    if (!this.#having.has(username)) return NO_LISTS
    return this.#cached.get(username) ?? this.#load(username)
  }

  /**
   * Changes the lists of an account, one change after the other; they hold from when they are on disk.
   * @param edit gives the lists as they are to be, or those it got for no change; what it throws is thrown
   */
  async change(
    username: string,
    edit: (lists: AccountLists) => AccountLists,
  ): Promise<{ readonly before: AccountLists; readonly after: AccountLists }> {
    const work = async () => {
      const before = await this.of(username)
      const after = edit(before)
      if (after !== before) {
        await this.#store.replace(username, before, after)
        this.#set(username, after)
      }
      return { before, after }
    }
    const previous = this.#changes.get(username)
    const done = previous ? previous.then(work) : work()
    const settled = done.then(ignore, ignore)
    this.#changes.set(username, settled)
    try {
      return await done
    } finally {
      if (this.#changes.get(username) === settled) this.#changes.delete(username)
    }
  }

  /** The account is being removed, its lists with it. */
  async remove(username: string): Promise<void> {
    await this.change(username, () => NO_LISTS)
    // Also those that could not be read.
    await this.#store.removeAll(username)
  }

  /** Resolves when no change is under way any more. */
  async whenIdle(): Promise<void> {
    while (this.#changes.size > 0) await Promise.all(this.#changes.values())
  }

  #set(username: string, lists: AccountLists): void {
    // Who began to read before the change must not put the old lists back.
    this.#loading.delete(username)
    if (lists.lists.size > 0) this.#having.add(username)
    else this.#having.delete(username)
    this.#cached.set(username, lists)
  }

  #load(username: string): Promise<AccountLists> {
    const under = this.#loading.get(username)
    if (under) return under
    const loading = this.#store.load(username).then(
      (lists) => {
        if (this.#loading.get(username) === loading) {
          this.#loading.delete(username)
          this.#cached.set(username, lists)
        }
        return lists
      },
      (error: unknown) => {
        if (this.#loading.get(username) === loading) this.#loading.delete(username)
        throw error
      },
    )
    this.#loading.set(username, loading)
    return loading
  }
}

function ignore(): void {
  // who asked for the change hears of its failure; the next change only needs to know that it is over
}
