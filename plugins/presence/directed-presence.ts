/** Whom each session sent directed presence to (RFC 6121 §4.6), so that they learn when it goes. */
import { type ClientSession, Jid, type Sessions, StanzaError } from '@beaconfire/plugin-sdk'

const NONE: readonly Jid[] = []

export class DirectedPresence {
  readonly #targets = new WeakMap<ClientSession, Map<string, Jid>>()
  readonly #limit: number

  /** @param limit addresses per session */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws StanzaError resource-constraint when the session has sent it to too many: it could not be taken back from them */
  add(session: ClientSession, to: Jid): void {
    let targets = this.#targets.get(session)
    if (!targets) {
      targets = new Map()
      this.#targets.set(session, targets)
    }
    if (targets.size >= this.#limit && !targets.has(to.toString())) {
      throw new StanzaError('resource-constraint', { text: `Directed presence may stand at ${this.#limit} addresses.` })
    }
    targets.set(to.toString(), to)
  }

  remove(session: ClientSession, to: Jid): void {
    this.#targets.get(session)?.delete(to.toString())
  }

  has(session: ClientSession, to: Jid): boolean {
    return this.#targets.get(session)?.has(to.toString()) ?? false
  }

  /** Whom the session sent it to. */
  all(session: ClientSession): readonly Jid[] {
    const targets = this.#targets.get(session)
    return targets ? [...targets.values()] : NONE
  }

  /** Whom the session sent it to; they are forgotten. */
  take(session: ClientSession): readonly Jid[] {
    const targets = this.#targets.get(session)
    if (!targets) return NONE
    this.#targets.delete(session)
    return [...targets.values()]
  }

  /** All of it by full JID, for the next version of this plugin. */
  save(sessions: Sessions): Record<string, string[]> {
    const saved: Record<string, string[]> = {}
    for (const session of sessions.all()) {
      const targets = this.#targets.get(session)
      if (targets && targets.size > 0) saved[session.jid.toString()] = [...targets.keys()]
    }
    return saved
  }

  /** @param state what the version before saved; what has another shape is ignored */
  restore(state: unknown, sessions: Sessions): void {
    if (typeof state !== 'object' || state === null) return
    for (const [fullJid, targets] of Object.entries(state)) {
      const jid = Jid.tryParse(fullJid)
      const session = jid && sessions.get(jid)
      if (!session || !Array.isArray(targets)) continue
      for (const text of targets.slice(0, this.#limit)) {
        const to = typeof text === 'string' ? Jid.tryParse(text) : undefined
        if (to) this.add(session, to)
      }
    }
  }
}
