/** Roster pushes (RFC 6121 §2.1.6), and which resources are interested in them (§2.2). */
import { randomBytes } from 'node:crypto'
import { type ClientSession, type Element, element, iq, isPromise, type Jid, NS, type Presence, type Sessions } from '@beaconfire/plugin-sdk'
import type { Roster } from './roster.js'
import { itemElement, type RosterEntry } from './roster-entry.js'

export class RosterPushes {
  /** Sessions that asked for their roster. */
  readonly #interested = new WeakSet<ClientSession>()
  readonly #sessions: Sessions

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  addInterested(session: ClientSession): void {
    this.#interested.add(session)
  }

  /** Tells every interested resource what an entry is now; nothing when the user does not see the entry. */
  async push(roster: Roster, entry: RosterEntry): Promise<void> {
    if (entry.listed) await this.#push(roster, itemElement(entry))
  }

  async pushRemoval(roster: Roster, contact: Jid): Promise<void> {
    await this.#push(roster, element('item', { jid: contact.toString(), subscription: 'remove' }))
  }

  /**
   * Hands a subscription stanza to the account's resources: a request to those that are available (§3.1.3), what tells of a change to
   * those that are interested, before the push that shows it (§3.1.6, §3.2.3, §3.3.3).
   */
  async deliver(user: Jid, stanza: Presence): Promise<void> {
    const isRequest = stanza.type === 'subscribe'
    const targets = this.#sessions.ofUser(user).filter((it) => (isRequest ? it.isAvailable : this.#interested.has(it)))
    await Promise.all(targets.map((session) => session.deliver(stanza)).filter(isPromise))
  }

  /** Full JIDs of all interested resources, for the next version of this plugin. */
  save(): string[] {
    return [...this.#sessions.all()].filter((it) => this.#interested.has(it)).map((it) => it.jid.toString())
  }

  async #push(roster: Roster, item: Element): Promise<void> {
    const targets = this.#sessions.ofUser(roster.user).filter((it) => this.#interested.has(it))
    if (targets.length === 0) return
    const push = iq({ type: 'set', id: `push-${randomBytes(6).toString('hex')}` }, element('query', { xmlns: NS.roster, ver: roster.version }, item))
    const handed = targets.map((session) => {
      const copy = push.clone()
      copy.to = session.jid
      return session.deliver(copy)
    })
    await Promise.all(handed.filter(isPromise))
  }
}
