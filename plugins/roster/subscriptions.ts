/** Presence subscriptions (RFC 6121 §3): what subscription stanzas, sent or received, do to the account's roster. */
import {
  type ClientSession,
  type Jid,
  type Logger,
  type MaybePromise,
  type Presence,
  parseStanza,
  presence,
  StanzaError,
  type SubscriptionListener,
  type Verdict,
} from '@beaconfire/plugin-sdk'
import type { RosterConfig } from './config.js'
import type { Roster } from './roster.js'
import { hasFrom, hasTo, type RosterEntry, stateOf, withState } from './roster-entry.js'
import type { RosterPushes } from './roster-pushes.js'
import { entryFor, type RosterChange, type Rosters } from './rosters.js'
import { isPinned } from './shared-part.js'
import { type SubscriptionType, transition } from './subscription-states.js'

export interface SubscriptionCollaborators {
  readonly rosters: Rosters
  readonly pushes: RosterPushes
  readonly limits: Pick<RosterConfig, 'maxItems' | 'maxPendingRequests'>
  readonly log: Logger
  /** Whether there is somebody who could answer a request. */
  isOnline(user: Jid): boolean
  /** Routes past the incoming chain. */
  route(stanza: Presence): MaybePromise<void>
}

/** What a subscription stanza did. */
interface Outcome {
  readonly passes: boolean
  readonly before: RosterEntry | undefined
  /** The server says `subscribed` in the account's name (§3.1.3). */
  readonly answered?: boolean
}

export class Subscriptions {
  readonly #server: SubscriptionCollaborators
  readonly #listeners = new Set<SubscriptionListener>()

  constructor(server: SubscriptionCollaborators) {
    this.#server = server
  }

  /** @returns the undo */
  onChange(listener: SubscriptionListener): () => void {
    // A wrapper of its own, so that each undo takes away its own registration.
    const own: SubscriptionListener = (change) => listener(change)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /**
   * A client of `user` sent a subscription stanza. It goes on from the bare JID to the bare JID (§3.1.2).
   * @throws StanzaError bad-request without a contact, resource-constraint when the roster is full
   */
  async sent(type: SubscriptionType, stanza: Presence, user: Jid): Promise<Verdict> {
    const contact = stanza.to?.bare()
    if (!contact) throw new StanzaError('bad-request', { text: 'A subscription stanza needs an addressee.' })
    stanza.from = user
    stanza.to = contact
    if (contact.equals(user)) return 'handled' // one always sees one's own presence
    const { passes, before } = await this.#server.rosters.change(user, (change) => this.#applySent(change, type, contact))
    if (!passes) return 'handled'
    if (type === 'unsubscribed' && hasFrom(before)) await this.#notify(user, contact, false)
    if (type !== 'subscribed') return 'pass'
    // The contact's server must know of the approval before it gets presence (§3.1.5): so it is routed here.
    await this.#server.route(stanza)
    await this.#notify(user, contact, true)
    return 'handled'
  }

  /** A subscription stanza came for `user`. Nothing is left for core to deliver: who gets it is §3's matter. */
  async received(type: SubscriptionType, stanza: Presence, user: Jid): Promise<Verdict> {
    const contact = stanza.from?.bare()
    if (!contact || contact.equals(user)) return 'handled'
    const copy = stanza.clone()
    copy.from = contact
    copy.to = user
    // Requests can come faster than they are stored, or answered: they must not keep the user from answering them.
    const mayGo = type === 'subscribe' ? (roster?: Roster) => !roster || this.#hasRoomForRequest(roster) || !this.#server.isOnline(user) : undefined
    const apply = (change: RosterChange) => this.#applyReceived(change, type, contact, copy)
    const { passes, answered, before } = await this.#server.rosters.change(user, apply, mayGo)
    if (answered) await this.#server.route(presence({ type: 'subscribed', from: user, to: contact, id: stanza.id }))
    if (answered && !hasFrom(before)) await this.#notify(user, contact, true)
    if (passes && type === 'unsubscribe') await this.#confirmEnd(user, contact, before, stanza.id)
    return 'handled'
  }

  /** Shows a resource that just became available all requests that wait for an answer (§3.1.3). */
  async deliverRequests(session: ClientSession): Promise<void> {
    const user = session.jid.bare()
    const { entries } = await this.#server.rosters.of(user)
    for (const entry of entries.values()) {
      if (entry.pendingIn) await session.deliver(this.#requestOf(entry, user))
    }
  }

  /** Ends what is between the account and a contact whose entry is removed, or whose account is (§2.5.2, XEP-0077 §3.2). */
  async cancel(user: Jid, entry: RosterEntry): Promise<void> {
    const contact = entry.jid
    if (hasFrom(entry)) await this.#notify(user, contact, false)
    if (hasFrom(entry) || entry.pendingIn) await this.#server.route(presence({ type: 'unsubscribed', from: user, to: contact }))
    if (hasTo(entry) || entry.pendingOut) await this.#server.route(presence({ type: 'unsubscribe', from: user, to: contact }))
  }

  /** @throws StanzaError resource-constraint when one more item does not fit */
  assertRoom(change: RosterChange, before: RosterEntry | undefined): void {
    const { maxItems } = this.#server.limits
    if (!before?.listed && change.roster.listed >= maxItems) {
      throw new StanzaError('resource-constraint', { text: `A roster holds ${maxItems} contacts.` })
    }
  }

  /** The contact gave up what it had or asked for: it is shown the end of it, and told (§3.3.3, A.3.2). */
  async #confirmEnd(user: Jid, contact: Jid, before: RosterEntry | undefined, id: string | undefined): Promise<void> {
    if (hasFrom(before)) await this.#notify(user, contact, false)
    await this.#server.route(presence({ type: 'unsubscribed', from: user, to: contact, id }))
  }

  async #applySent(change: RosterChange, type: SubscriptionType, contact: Jid): Promise<Outcome> {
    const before = change.roster.entry(contact)
    if (isPinned(before, 'outbound', type)) return { passes: false, before }
    const { passes, next } = transition('outbound', type, stateOf(before))
    let after = withState(entryFor(change.roster, contact), next)
    // §3.4: an approval of what nobody asked for yet is kept for the day somebody does; a refusal takes it back.
    if (type === 'subscribed' && !passes && !hasFrom(before)) after = { ...after, approved: true, listed: true }
    if (type === 'unsubscribed' && after.approved) after = { ...after, approved: false }
    if (after.listed) this.assertRoom(change, before)
    await this.#keep(change, before, after)
    return { passes, before }
  }

  async #applyReceived(change: RosterChange, type: SubscriptionType, contact: Jid, stanza: Presence): Promise<Outcome> {
    const { roster } = change
    const before = roster.entry(contact)
    if (isPinned(before, 'inbound', type)) return { passes: false, before }
    if (type === 'subscribe' && hasFrom(before)) return { passes: false, before, answered: true }
    const { passes, next } = transition('inbound', type, stateOf(before))
    if (!passes) return { passes, before }
    const entry = entryFor(roster, contact)
    if (type === 'subscribe' && entry.approved) {
      const requested = withState(entry, next)
      await this.#keep(change, before, withState(requested, transition('outbound', 'subscribed', next).next))
      return { passes: false, before, answered: true }
    }
    if (!before) this.#assertRoomForRequest(change)
    const after = withState(entry, next)
    const deliver = () => this.#server.pushes.deliver(roster.user, stanza)
    await this.#keep(change, before, type === 'subscribe' ? { ...after, request: stanza.toString() } : after, deliver)
    return { passes, before }
  }

  #hasRoomForRequest(roster: Roster): boolean {
    return roster.unlisted < this.#server.limits.maxPendingRequests
  }

  #assertRoomForRequest({ roster }: RosterChange): void {
    if (this.#hasRoomForRequest(roster)) return
    this.#server.log.warn(
      { jid: roster.user.toString(), requests: roster.unlisted },
      'a subscription request is refused: too many wait for an answer',
    )
    throw new StanzaError('resource-constraint', { text: 'Too many requests wait for an answer.' })
  }

  /** Makes the entry durable, then hands on the stanza that changed it, then pushes: in the order of §3.1.6. */
  async #keep(change: RosterChange, before: RosterEntry | undefined, after: RosterEntry, deliver?: () => Promise<void>): Promise<void> {
    if (!after.listed && !after.pendingIn) {
      if (before) await change.remove(before)
    } else if (!before || differs(before, after)) {
      await change.save(after)
    }
    await deliver?.()
    if (!before || looksDifferent(before, after)) await this.#server.pushes.push(change.roster, after)
  }

  #requestOf(entry: RosterEntry, user: Jid): Presence {
    const plain = () => presence({ type: 'subscribe', from: entry.jid, to: user })
    if (entry.request === undefined) return plain()
    try {
      const stored = parseStanza(entry.request)
      if (stored.kind !== 'presence' || stored.type !== 'subscribe') return plain()
      stored.from = entry.jid
      stored.to = user
      return stored
    } catch (error) {
      this.#server.log.warn({ jid: user.toString(), contact: entry.jid.toString(), error }, 'a kept subscription request cannot be read')
      return plain()
    }
  }

  /** The contact may see the account's presence from now on, or no longer, whoever decided that. */
  async notify(user: Jid, contact: Jid, maySeePresence: boolean): Promise<void> {
    await this.#notify(user, contact, maySeePresence)
  }

  async #notify(user: Jid, contact: Jid, maySeePresence: boolean): Promise<void> {
    for (const listener of this.#listeners) {
      try {
        await listener({ user, contact, maySeePresence })
      } catch (error) {
        this.#server.log.error({ jid: user.toString(), contact: contact.toString(), error }, 'a listener to subscriptions failed')
      }
    }
  }
}

/** What the user sees of an entry has changed. */
function looksDifferent(before: RosterEntry, after: RosterEntry): boolean {
  return (
    before.subscription !== after.subscription ||
    before.pendingOut !== after.pendingOut ||
    before.approved !== after.approved ||
    before.listed !== after.listed
  )
}

function differs(before: RosterEntry, after: RosterEntry): boolean {
  return looksDifferent(before, after) || before.pendingIn !== after.pendingIn
}
