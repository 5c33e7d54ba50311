/** Carries one presence to many: contacts, and the user's own resources (RFC 6121 §4.2.2, §4.4.2, §4.5.2). */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ClientSession, Jid, MaybePromise, Presence, RosterItem, Sessions, Stanza } from '@beaconfire/plugin-sdk'
import { PendingDeliveries } from './pending-deliveries.js'

/** Some milliseconds' worth: others are not kept waiting for a broadcast to ten thousand. */
const DELIVERIES_AT_ONCE = 400

export interface FanOutCollaborators {
  readonly domain: Jid
  readonly sessions: Sessions
  /** Routes past the incoming chain. */
  route(stanza: Stanza): MaybePromise<void>
}

/** May the contact see the user's presence? */
export function maySee(item: RosterItem | undefined): boolean {
  return item?.subscription === 'from' || item?.subscription === 'both'
}
/** Does the user see the contact's presence? */
export function sees(item: RosterItem): boolean {
  return item.subscription === 'to' || item.subscription === 'both'
}

/** A copy for this recipient; it shares the text of the original's content. */
export function addressed(presence: Presence, to: Jid): Presence {
  const copy = presence.clone()
  copy.to = to
  return copy
}

export class FanOut {
  readonly #server: FanOutCollaborators

  constructor(server: FanOutCollaborators) {
    this.#server = server
  }

  isLocal(jid: Jid): boolean {
    return jid.domain === this.#server.domain.domain
  }

  /**
   * To the user's own available resources, `session` among them, and to every contact that may see it. Where these are very many, they are
   * served in the next turns of the event loop: what the user sends next comes behind, since it goes round in the same order.
   * @param presence the session's, `from` its full JID
   */
  broadcast(presence: Presence, session: ClientSession, items: ReadonlyMap<string, RosterItem>): MaybePromise<void> {
    const pending = new PendingDeliveries()
    // What was read as a tree is written once, here; the copies for the recipients share that text.
    const body = presence.clone()
    for (const own of this.#server.sessions.ofUser(session.jid)) {
      if (own.isAvailable || own === session) pending.add(own.deliver(addressed(body, own.jid), session))
    }
    const contacts = items.values()
    if (!this.#toSome(body, contacts, session, pending)) pending.add(this.#toOthers(body, contacts, session))
    return pending.done()
  }

  async #toOthers(body: Presence, contacts: Iterator<RosterItem>, session: ClientSession): Promise<void> {
    const pending = new PendingDeliveries()
    do await nextTurn()
    while (!this.#toSome(body, contacts, session, pending))
    await pending.done()
  }

  /** @returns true when there are no more of them */
  #toSome(body: Presence, contacts: Iterator<RosterItem>, session: ClientSession, pending: PendingDeliveries): boolean {
    for (let left = DELIVERIES_AT_ONCE; left > 0; ) {
      const { done, value } = contacts.next()
      if (done) return true
      left -= maySee(value) ? this.#toContact(body, value.jid, session, pending) : 0
    }
    return false
  }

  /** A local contact's available resources share one copy; what is for another domain is routed there. @returns how many got it */
  #toContact(body: Presence, contact: Jid, session: ClientSession, pending: PendingDeliveries): number {
    if (!this.isLocal(contact)) {
      pending.add(this.#server.route(addressed(body, contact)))
      return 1
    }
    let copy: Presence | undefined
    let count = 0
    for (const resource of this.#server.sessions.ofUser(contact)) {
      if (!resource.isAvailable) continue
      copy ??= addressed(body, contact)
      pending.add(resource.deliver(copy, session))
      count++
    }
    return count
  }
}
