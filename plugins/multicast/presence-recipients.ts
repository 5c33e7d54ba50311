/** Whom the presence of each session has reached by multicast: they must learn when it goes (XEP-0033 §5.1). */
import { type ClientSession, Jid, type Sessions, StanzaError } from '@beaconfire/plugin-sdk'

type Saved = Readonly<Record<string, readonly string[]>>

export class PresenceRecipients {
  readonly #bySession = new Map<ClientSession, Map<string, Jid>>()
  readonly #most: number

  /** @param most of one session */
  constructor(most: number) {
    this.#most = most
  }

  /** All of them or none. @throws StanzaError resource-constraint when there would be too many */
  add(session: ClientSession, jids: readonly Jid[]): void {
    const known = this.#bySession.get(session) ?? new Map<string, Jid>()
    const added = jids.filter((it) => !known.has(it.toString()))
    if (known.size + added.length > this.#most) {
      throw new StanzaError('resource-constraint', { text: `Presence may stand at ${this.#most} addresses.` })
    }
    for (const jid of added) known.set(jid.toString(), jid)
    this.#bySession.set(session, known)
  }

  remove(session: ClientSession, jids: readonly Jid[]): void {
    const known = this.#bySession.get(session)
    for (const jid of jids) known?.delete(jid.toString())
    if (known?.size === 0) this.#bySession.delete(session)
  }

  /** They are forgotten. */
  take(session: ClientSession): Jid[] {
    const known = this.#bySession.get(session)
    this.#bySession.delete(session)
    return known ? [...known.values()] : []
  }

  save(): Saved {
    return Object.fromEntries([...this.#bySession].map(([session, jids]) => [session.jid.toString(), [...jids.keys()]]))
  }

  restore(state: unknown, sessions: Sessions): void {
    for (const [jid, recipients] of Object.entries(state as Saved)) {
      const session = sessions.get(Jid.parse(jid))
      if (session)
        this.add(
          session,
          recipients.slice(0, this.#most).map((it) => Jid.parse(it)),
        )
    }
  }
}
