/** What a client's presence does to the session, and who hears of it (RFC 6121 §4.2, §4.4, §4.5, §4.6). */
import {
  type ClientSession,
  type Jid,
  type MaybePromise,
  type Presence,
  presence,
  type RosterItem,
  type RosterService,
  type Sessions,
  type Stanza,
  StanzaError,
  type Verdict,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { DirectedPresence } from './directed-presence.js'
import { addressed, type FanOut, maySee } from './fan-out.js'
import { PendingDeliveries } from './pending-deliveries.js'
import type { Probes } from './probes.js'

export interface BroadcastCollaborators {
  readonly fanOut: FanOut
  readonly probes: Probes
  readonly directed: DirectedPresence
  readonly sessions: Sessions
  readonly roster: RosterService
  /** Routes past the incoming chain. */
  route(stanza: Stanza): MaybePromise<void>
}

export class Broadcasts {
  readonly #server: BroadcastCollaborators
  /** What a client said on going, for the moment until core tells that it has gone. */
  readonly #farewells = new WeakMap<ClientSession, Presence>()

  constructor(server: BroadcastCollaborators) {
    this.#server = server
  }

  /** @throws StanzaError bad-request for a priority that is none, resource-constraint for directed presence beyond the limit */
  sent(stanza: Presence, session: ClientSession): MaybePromise<Verdict> {
    const { type, to } = stanza
    if (type !== 'available' && type !== 'unavailable') return 'pass'
    if (type === 'available') assertPriority(stanza)
    if (to) return this.#directed(stanza, to, session)
    return whenDone(type === 'available' ? this.#available(stanza, session) : this.#unavailable(stanza, session), () => 'handled')
  }

  /** The session shows something else, though its client said nothing. */
  announce(stanza: Presence, session: ClientSession): MaybePromise<void> {
    if (session.isAvailable) return this.#available(stanza, session)
  }

  /** The resource is available no more: contacts and those it sent directed presence to hear of it. */
  gone(session: ClientSession): MaybePromise<Presence> {
    const farewell = this.#farewells.get(session) ?? presence({ type: 'unavailable', from: session.jid })
    this.#farewells.delete(session)
    return whenDone(this.#server.roster.items(session.jid), (items) => {
      const pending = new PendingDeliveries()
      pending.add(this.#server.fanOut.broadcast(farewell, session, items))
      pending.add(this.#endDirected(farewell, session, items))
      return whenDone(pending.done(), () => farewell)
    })
  }

  /** The session has ended. One that never was available may still have sent directed presence. */
  ended(session: ClientSession): MaybePromise<void> {
    return this.#endDirected(presence({ type: 'unavailable', from: session.jid }), session, undefined)
  }

  /**
   * Others hear of it, and a resource that is new hears of them, before the session counts as available: what waits for that, such as
   * requests and kept messages, comes behind (§4.2.2). All is begun in one turn, so that the session cannot end in between.
   */
  #available(stanza: Presence, session: ClientSession): MaybePromise<void> {
    return whenDone(this.#server.roster.items(session.jid), (items) => {
      // The session may have ended while its roster was read: nobody would hear that it goes.
      if (!session.isOpen) return
      const pending = new PendingDeliveries()
      pending.add(this.#server.fanOut.broadcast(stanza, session, items))
      if (!session.isAvailable) pending.add(this.#server.probes.contactsOf(session, items))
      pending.add(session.setPresence(stanza))
      return pending.done()
    })
  }

  #unavailable(stanza: Presence, session: ClientSession): MaybePromise<void> {
    if (!session.isAvailable) return this.#endDirected(stanza, session, undefined)
    this.#farewells.set(session, stanza)
    return session.setPresence(undefined)
  }

  /** Core routes it; here it is only remembered. The server itself and the user's own resources need no reminder. */
  #directed(stanza: Presence, to: Jid, session: ClientSession): Verdict {
    if (to.local === '' && this.#server.fanOut.isLocal(to)) return 'pass'
    if (to.equals(session.jid.bare())) return 'pass'
    if (stanza.type === 'available') this.#server.directed.add(session, to)
    else this.#server.directed.remove(session, to)
    return 'pass'
  }

  #endDirected(stanza: Presence, session: ClientSession, items: ReadonlyMap<string, RosterItem> | undefined): MaybePromise<void> {
    const pending = new PendingDeliveries()
    for (const to of this.#server.directed.take(session)) {
      if (!items || !this.#hasHeard(to, items)) pending.add(this.#server.route(addressed(stanza, to)))
    }
    return pending.done()
  }

  /** The broadcast reached this address already. */
  #hasHeard(to: Jid, items: ReadonlyMap<string, RosterItem>): boolean {
    if (!maySee(items.get(to.bare().toString()))) return false
    return to.isBare || !this.#server.fanOut.isLocal(to) || this.#server.sessions.get(to)?.isAvailable === true
  }
}

/** RFC 6121 §4.7.2.3: an integer from -128 to +127. Core's `priority` reads anything else as 0; here it is refused. */
function assertPriority(stanza: Presence): void {
  const text = stanza.childText('priority')
  if (text === undefined) return
  const priority = /^\s{0,16}[+-]?\d{1,3}\s{0,16}$/.test(text) ? Number(text) : Number.NaN
  if (!(priority >= -128 && priority <= 127)) throw new StanzaError('bad-request', { text: 'A priority is a whole number from -128 to 127.' })
}
