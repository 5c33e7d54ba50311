/** Presence probes (RFC 6121 §4.3): asking for contacts at login, and answering for accounts here. */
import {
  type ClientSession,
  isPromise,
  type Jid,
  type LastSeen,
  type Logger,
  type MaybePromise,
  type Presence,
  parseStanza,
  presence,
  type RosterItem,
  type RosterService,
  type Sessions,
  type Stanza,
  stampDelay,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { DirectedPresence } from './directed-presence.js'
import { addressed, type FanOut, maySee, sees } from './fan-out.js'
import { PendingDeliveries } from './pending-deliveries.js'
import type { LastPresence, PresenceStore } from './presence-store.js'

export interface ProbeCollaborators {
  readonly fanOut: FanOut
  readonly directed: DirectedPresence
  readonly sessions: Sessions
  readonly roster: RosterService
  readonly store: PresenceStore
  readonly log: Logger
  /** Routes past the incoming chain. */
  route(stanza: Stanza): MaybePromise<void>
}

export class Probes {
  readonly #server: ProbeCollaborators

  constructor(server: ProbeCollaborators) {
    this.#server = server
  }

  /** A resource became available: it learns of the user's other resources and of all contacts whose presence it may see. */
  contactsOf(session: ClientSession, items: ReadonlyMap<string, RosterItem>): MaybePromise<void> {
    const pending = new PendingDeliveries()
    this.#showAll(session.jid, session, pending)
    const absent: Jid[] = []
    for (const item of items.values()) {
      if (!sees(item)) continue
      if (!this.#server.fanOut.isLocal(item.jid)) pending.add(this.#server.route(presence({ type: 'probe', from: session.jid.bare(), to: item.jid })))
      else if (this.#server.sessions.ofUser(item.jid).some((it) => it.isAvailable)) this.#showContact(item.jid, session, pending)
      else if (item.jid.local !== '') absent.push(item.jid)
    }
    if (absent.length > 0) pending.add(this.#showLastOf(absent, session))
    return pending.done()
  }

  /** Answers a probe for a local account (§4.3.2). Resources answer for themselves, each with what it last sent. */
  answer(probe: Presence, recipient: Jid): MaybePromise<void> {
    const { from } = probe
    if (!from) return
    const account = recipient.bare()
    if (from.bare().equals(account)) return this.#answerWith(probe, recipient, from)
    return whenDone(this.#server.roster.item(account, from), (item) => {
      if (maySee(item)) return this.#answerWith(probe, recipient, from)
      const shown = this.#shownTo(from, recipient)
      if (shown.length > 0) return this.#answerMerely(shown, from)
      // Whoever asked for approval already is answered when the user decides; to the others it is said that they have none.
      if (!item?.pendingIn) return this.#server.route(presence({ type: 'unsubscribed', from: account, to: from.bare(), id: probe.id }))
    })
  }

  /** What every available resource of `user` shows now, sent to `to`. @returns false when there is none */
  sendCurrent(user: Jid, to: Jid): MaybePromise<boolean> {
    const pending = new PendingDeliveries()
    let some = false
    for (const session of this.#server.sessions.ofUser(user)) {
      if (!session.presence) continue
      some = true
      pending.add(this.#server.route(addressed(session.presence, to)))
    }
    return whenDone(pending.done(), () => some)
  }

  /** When the last resource of this account went, and what it said. */
  async lastSeen(user: Jid): Promise<LastSeen | undefined> {
    const last = (await this.#server.store.find([user.local])).get(user.local)
    return last && { at: last.at, status: last.stanza === undefined ? undefined : this.#parse(last.stanza, user)?.status }
  }

  #answerWith(probe: Presence, recipient: Jid, to: Jid): MaybePromise<void> {
    if (recipient.isFull) return this.#answerForResource(probe, recipient, to)
    return whenDone(this.sendCurrent(recipient, to), async (some) => {
      if (some) return
      const last = (await this.#server.store.find([recipient.local])).get(recipient.local)
      const answer = this.#lastPresence(recipient, to, last)
      answer.id = probe.id // §4.3.2.1: there is no available presence whose id could be kept
      await this.#server.route(answer)
    })
  }

  /** A probe for one resource learns that it is there or not, and nothing of the others. */
  #answerForResource(probe: Presence, recipient: Jid, to: Jid): MaybePromise<void> {
    const session = this.#server.sessions.get(recipient)
    if (session?.isAvailable) return this.#answerMerely([session], to)
    return this.#server.route(presence({ type: 'unavailable', from: recipient, to, id: probe.id }))
  }

  /** The resources that sent directed presence to who asks: all, or the one that is asked for (§4.6.6). */
  #shownTo(asker: Jid, recipient: Jid): ClientSession[] {
    const { directed, sessions } = this.#server
    return sessions
      .ofUser(recipient)
      .filter((it) => (recipient.isBare || it.jid.equals(recipient)) && (directed.has(it, asker) || directed.has(it, asker.bare())))
  }

  #answerMerely(sessions: readonly ClientSession[], to: Jid): MaybePromise<void> {
    const pending = new PendingDeliveries()
    for (const { jid } of sessions) pending.add(this.#server.route(presence({ from: jid, to })))
    return pending.done()
  }

  #showContact(contact: Jid, session: ClientSession, pending: PendingDeliveries): void {
    // The contact is here, so its roster is in memory: what it says counts, whatever the user's own roster says.
    const item = this.#server.roster.item(contact, session.jid)
    if (isPromise(item)) pending.add(this.#showLater(item, contact, session))
    else if (maySee(item)) this.#showAll(contact, session, pending)
  }

  async #showLater(found: Promise<RosterItem | undefined>, contact: Jid, session: ClientSession): Promise<void> {
    if (!maySee(await found)) return
    const pending = new PendingDeliveries()
    this.#showAll(contact, session, pending)
    await pending.done()
  }

  #showAll(user: Jid, session: ClientSession, pending: PendingDeliveries): void {
    for (const other of this.#server.sessions.ofUser(user)) {
      if (other !== session && other.presence) pending.add(session.deliver(addressed(other.presence, session.jid), session))
    }
  }

  /** Contacts that are away and said something when they went: one query for all of them. */
  async #showLastOf(contacts: readonly Jid[], session: ClientSession): Promise<void> {
    const kept = await this.#server.store.find(contacts.map((contact) => contact.local))
    for (const contact of contacts) {
      const last = kept.get(contact.local)
      if (last?.stanza === undefined || !maySee(await this.#server.roster.item(contact, session.jid))) continue
      // One that came back meanwhile has shown itself.
      if (this.#server.sessions.ofUser(contact).some((it) => it.isAvailable)) continue
      await session.deliver(this.#lastPresence(contact, session.jid, last), session)
    }
  }

  #lastPresence(from: Jid, to: Jid, last: LastPresence | undefined): Presence {
    const answer = (last?.stanza !== undefined && this.#parse(last.stanza, from)) || presence({ type: 'unavailable' })
    answer.type = 'unavailable'
    answer.id = undefined
    answer.from = from
    answer.to = to
    return last ? stampDelay(answer, last.at, from.bare()) : answer
  }

  #parse(stored: string, user: Jid): Presence | undefined {
    try {
      const stanza = parseStanza(stored)
      return stanza.kind === 'presence' ? stanza : undefined
    } catch (error) {
      this.#server.log.warn({ jid: user.toString(), error }, 'a kept presence cannot be read')
      return undefined
    }
  }
}
