/** What others, and the user, see when another list begins to hold (XEP-0016 §2.10, §2.11; XEP-0191 §3.3, §3.4). */
import {
  type ClientSession,
  type Jid,
  type MaybePromise,
  type PresenceService,
  presence,
  type RosterItem,
  type RosterService,
  type Sessions,
  type Stanza,
} from '@beaconfire/plugin-sdk'
import { exempt } from './guard.js'
import type { PrivacyList, Traffic } from './privacy-list.js'

export interface EffectCollaborators {
  readonly domain: Jid
  readonly sessions: Sessions
  readonly roster: RosterService
  readonly presence: PresenceService
  /** Routes past the incoming chain. */
  route(stanza: Stanza): MaybePromise<void>
}

interface Exchange {
  readonly before: PrivacyList | undefined
  readonly after: PrivacyList | undefined
}

type Turn = 'denied' | 'allowed' | 'same'

export class PresenceEffects {
  readonly #server: EffectCollaborators

  constructor(server: EffectCollaborators) {
    this.#server = server
  }

  /**
   * Shows and hides what the exchange of lists means for one session. A client that blocks is told which addresses that concerns, and
   * knows; of a list, whose rules may be about groups, it is told the name: then the contacts it does not hear of any more are shown to it
   * as unavailable, and those it hears of again as they are.
   * @param showContacts true for a change by XEP-0016
   */
  async apply(session: ClientSession, exchange: Exchange, showContacts: boolean): Promise<void> {
    if (exchange.before === exchange.after || !session.isAvailable) return
    const items = await this.#server.roster.items(session.jid)
    const accounts = new Map<string, Jid>()
    for (const { jid } of items.values()) accounts.set(jid.toString(), jid)
    const resources = new Map<string, Jid>()
    for (const { match } of [...(exchange.before?.items ?? []), ...(exchange.after?.items ?? [])]) {
      if (match?.type !== 'jid') continue
      const place = match.jid.isFull ? resources : accounts
      place.set(match.jid.toString(), match.jid)
    }
    for (const jid of this.#server.presence.directedTo(session)) (jid.isFull ? resources : accounts).set(jid.toString(), jid)
    const told = new Set<string>()
    for (const peer of accounts.values()) {
      const contact = items.get(peer.toString())
      const turned = turn(exchange, 'presence-out', peer, contact)
      if (turned !== 'same' && (maySee(contact) || this.#server.presence.hasDirected(session, peer))) {
        told.add(peer.toString())
        await this.#showUser(session, peer, turned)
      }
      if (showContacts && sees(contact)) await this.#showContact(session, peer, turn(exchange, 'presence-in', peer, contact))
    }
    for (const peer of resources.values()) {
      const contact = items.get(peer.bare().toString())
      const turned = turn(exchange, 'presence-out', peer, contact)
      if (turned === 'same' || told.has(peer.bare().toString())) continue
      if (maySee(contact) || this.#server.presence.hasDirected(session, peer)) await this.#showUser(session, peer, turned)
    }
  }

  async #showUser(session: ClientSession, peer: Jid, turned: Turn): Promise<void> {
    const shown = turned === 'denied' ? presence({ type: 'unavailable', from: session.jid }) : session.presence?.clone()
    if (!shown) return
    shown.to = peer
    await this.#server.route(exempt(shown))
  }

  async #showContact(session: ClientSession, contact: Jid, turned: Turn): Promise<void> {
    if (turned === 'same') return
    // Answered by whoever is there, and only to those who may know.
    if (turned === 'allowed') return this.#server.route(presence({ type: 'probe', from: session.jid.bare(), to: contact }))
    const isHere = contact.domain === this.#server.domain.domain
    const resources = isHere ? this.#server.sessions.ofUser(contact).filter((it) => it.isAvailable) : []
    for (const jid of isHere ? resources.map((it) => it.jid) : [contact]) {
      await session.deliver(exempt(presence({ type: 'unavailable', from: jid, to: session.jid })))
    }
  }
}

function turn({ before, after }: Exchange, traffic: Traffic, peer: Jid, contact: RosterItem | undefined): Turn {
  const was = before?.deniedBy(traffic, peer, contact) !== undefined
  const is = after?.deniedBy(traffic, peer, contact) !== undefined
  return was === is ? 'same' : is ? 'denied' : 'allowed'
}

function maySee(contact: RosterItem | undefined): boolean {
  return contact?.subscription === 'from' || contact?.subscription === 'both'
}

function sees(contact: RosterItem | undefined): boolean {
  return contact?.subscription === 'to' || contact?.subscription === 'both'
}
