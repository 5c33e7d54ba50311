/** JID -> sessions: the authenticated ones, and those that only have a stream id yet (seed 000's two maps). */
import type { ClientSession, ConnectedSession, Jid, Sessions } from '@beaconfire/plugin-sdk'

const NONE: readonly never[] = []

export class SessionRegistry<Session extends ClientSession, Connected extends ConnectedSession> implements Sessions {
  readonly #connected = new Map<string, Connected>()
  readonly #byFullJid = new Map<string, Session>()
  readonly #byBareJid = new Map<string, readonly Session[]>()

  get count(): number {
    return this.#byFullJid.size
  }

  /** Streams that have not authenticated yet. */
  get connectedCount(): number {
    return this.#connected.size
  }

  get(fullJid: Jid): Session | undefined {
    return this.#byFullJid.get(fullJid.toString())
  }

  ofUser(jid: Jid): readonly Session[] {
    return this.#byBareJid.get(jid.bare().toString()) ?? NONE
  }

  all(): IterableIterator<Session> {
    return this.#byFullJid.values()
  }

  connected(): IterableIterator<Connected> {
    return this.#connected.values()
  }

  addConnected(stream: Connected): void {
    this.#connected.set(stream.id, stream)
  }

  removeConnected(stream: Connected): void {
    this.#connected.delete(stream.id)
  }

  /** The full JID must be free: conflicts are settled before. */
  add(session: Session): void {
    const full = session.jid.toString()
    if (this.#byFullJid.has(full)) throw new Error('a session is already bound to this full JID')
    this.#byFullJid.set(full, session)
    const bare = session.jid.bare().toString()
    this.#byBareJid.set(bare, [...(this.#byBareJid.get(bare) ?? NONE), session])
  }

  /** @returns false when another session holds the place by now */
  remove(session: Session): boolean {
    const full = session.jid.toString()
    if (this.#byFullJid.get(full) !== session) return false
    this.#byFullJid.delete(full)
    const bare = session.jid.bare().toString()
    const others = this.ofUser(session.jid).filter((it) => it !== session)
    if (others.length > 0) this.#byBareJid.set(bare, others)
    else this.#byBareJid.delete(bare)
    return true
  }
}
