/** Carries one presence to many: contacts, and the user's own resources (RFC 6121 §4.2.2, §4.4.2, §4.5.2). */
import type { ClientSession, Jid, MaybePromise, Presence, RosterItem, Sessions, Stanza } from '@beaconfire/plugin-sdk'
import { PendingDeliveries } from './pending-deliveries.js'

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
   * To every contact that may see it, then to the user's own available resources, `session` among them.
   * @param presence the session's, `from` its full JID
   */
  broadcast(presence: Presence, session: ClientSession, items: ReadonlyMap<string, RosterItem>): MaybePromise<void> {
    const pending = new PendingDeliveries()
    // What was read as a tree is written once, here; the copies for the recipients share that text.
    const body = presence.clone()
    for (const item of items.values()) {
      if (maySee(item)) this.#toContact(body, item.jid, session, pending)
    }
    for (const own of this.#server.sessions.ofUser(session.jid)) {
      if (own.isAvailable || own === session) pending.add(own.deliver(addressed(body, own.jid), session))
    }
    return pending.done()
  }

  /** A local contact's available resources share one copy; what is for another domain is routed there. */
  #toContact(body: Presence, contact: Jid, session: ClientSession, pending: PendingDeliveries): void {
    if (!this.isLocal(contact)) {
      pending.add(this.#server.route(addressed(body, contact)))
      return
    }
    let copy: Presence | undefined
    for (const resource of this.#server.sessions.ofUser(contact)) {
      if (!resource.isAvailable) continue
      copy ??= addressed(body, contact)
      pending.add(resource.deliver(copy, session))
    }
  }
}
