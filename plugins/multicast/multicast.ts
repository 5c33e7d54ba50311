/** Sends a stanza to the server's domain on to all whom it is addressed to (XEP-0033 §6). */
import {
  type ClientSession,
  isClientSession,
  isPromise,
  type Jid,
  type MaybePromise,
  type Message,
  NS,
  type Presence,
  presence,
  type ServerAddressed,
  type Stanza,
  StanzaError,
  type Verdict,
  whenDone,
} from '@beaconfire/plugin-sdk'
import { Copies, recipientsIn } from './addresses.js'
import type { MulticastConfig } from './config.js'
import { PresenceRecipients } from './presence-recipients.js'

export interface MulticastCollaborators {
  readonly config: MulticastConfig
  /** The whole way, interceptors included: each copy is a stanza like any other. */
  send(stanza: Stanza): MaybePromise<void>
}

export class Multicast {
  readonly recipients: PresenceRecipients
  readonly #with: MulticastCollaborators

  constructor(collaborators: MulticastCollaborators) {
    this.#with = collaborators
    this.recipients = new PresenceRecipients(collaborators.config.mostPresenceRecipients)
  }

  /** @throws StanzaError forbidden for who is no user here */
  take({ stanza, origin }: ServerAddressed): MaybePromise<Verdict> {
    if (stanza.type === 'error' || stanza.to?.isFull) return 'pass'
    if (!stanza.hasChild('addresses', NS.addresses)) return this.#withoutAddresses(stanza, origin)
    if (!isClientSession(origin)) throw new StanzaError('forbidden', { text: 'Only users of this server are served.' })
    const to = recipientsIn(stanza, this.#with.config.mostAddresses)
    if (stanza.kind === 'presence')
      this.#note(
        stanza,
        origin,
        to.map((it) => it.jid),
      )
    const copies = new Copies<Message | Presence>(stanza)
    return whenDone(
      this.#each(to, (it) => copies.for(it)),
      () => 'handled' as const,
    )
  }

  /** The session has ended, or shows itself no more. */
  gone(session: ClientSession): MaybePromise<void> {
    return this.#end(session, presence({ type: 'unavailable', from: session.jid }))
  }

  /** That a client is not available any more concerns all to whom it said that it was. */
  #withoutAddresses(stanza: Message | Presence, origin: ServerAddressed['origin']): MaybePromise<Verdict> {
    if (stanza.kind !== 'presence' || stanza.type !== 'unavailable' || !isClientSession(origin)) return 'pass'
    return whenDone(this.#end(origin, stanza), () => 'pass' as const)
  }

  #end(session: ClientSession, stanza: Presence): MaybePromise<void> {
    return this.#each(this.recipients.take(session), (to) => {
      const copy = stanza.clone()
      copy.to = to
      return copy
    })
  }

  /** @throws StanzaError bad-request for what is no presence to be seen */
  #note(stanza: Presence, session: ClientSession, to: readonly Jid[]): void {
    if (stanza.type === 'available') this.recipients.add(session, to)
    else if (stanza.type === 'unavailable') this.recipients.remove(session, to)
    else throw new StanzaError('bad-request', { text: 'Subscriptions are made one by one.' })
  }

  /** One after the other: a promise is waited for, so that a slow recipient slows the sender down. */
  #each<T>(items: readonly T[], copy: (item: T) => Stanza, start = 0): MaybePromise<void> {
    for (let at = start; at < items.length; at++) {
      const sent = this.#with.send(copy(items[at] as T))
      if (isPromise(sent)) return sent.then(() => this.#each(items, copy, at + 1))
    }
  }
}
