/** The replies in force, in memory: nothing is asked of the database for a message to somebody who has none. */
import type { Reply, ReplyStore } from './reply-store.js'

export class Replies {
  readonly #store: ReplyStore
  #byUser: ReadonlyMap<string, Reply> = new Map()
  #loads = 0

  constructor(store: ReplyStore) {
    this.#store = store
  }

  get count(): number {
    return this.#byUser.size
  }

  of(username: string): Reply | undefined {
    return this.#byUser.get(username)
  }

  async load(): Promise<void> {
    const load = ++this.#loads
    const replies = await this.#store.all()
    // One that began later knows more.
    if (load === this.#loads) this.#byUser = new Map(replies.map((it) => [it.username, it]))
  }

  /** In force when it resolves. */
  async set(username: string, text: string): Promise<Reply> {
    const reply = { username, text, setAt: Date.now() }
    await this.#store.set(reply)
    await this.load()
    return reply
  }

  /** @returns false when there was none */
  async remove(username: string): Promise<boolean> {
    const wasThere = await this.#store.remove(username)
    if (wasThere) await this.load()
    return wasThere
  }
}
