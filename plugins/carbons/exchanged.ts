/** Remembers the eligible messages that a session exchanged lately, since errors that answer them are copied too (XEP-0280 §6.1). */
import type { ClientSession, Jid } from '@beaconfire/plugin-sdk'

/** For each session. An error comes soon, or its copy is not missed. */
const REMEMBERED = 200

export class ExchangedMessages {
  readonly #keys = new WeakMap<ClientSession, Set<string>>()

  /** @param peer who got the message from this session, or sent it one */
  add(session: ClientSession, peer: Jid | undefined, id: string | undefined): void {
    if (!peer || id === undefined) return
    let keys = this.#keys.get(session)
    if (!keys) {
      keys = new Set()
      this.#keys.set(session, keys)
    }
    if (keys.size >= REMEMBERED) keys.delete(keys.values().next().value as string)
    keys.add(keyOf(peer, id))
  }

  /** True when there was such a message. By id alone: an error need not hold what it answers (XEP-0280 §10.3). */
  has(session: ClientSession, peer: Jid | undefined, id: string | undefined): boolean {
    return peer !== undefined && id !== undefined && (this.#keys.get(session)?.has(keyOf(peer, id)) ?? false)
  }
}

function keyOf(peer: Jid, id: string): string {
  return `${peer.bare()} ${id}`
}
