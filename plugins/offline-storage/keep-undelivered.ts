/** What happens to a message that reached nobody (XEP-0160 §3): kept, left to core to bounce, or dropped. */
import {
  type ClientSession,
  fateOf,
  isPromise,
  type Logger,
  type MaybePromise,
  type MessageUndelivered,
  type Sessions,
  StanzaError,
  stampStanzaId,
  takeStanzaId,
  type Verdict,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { OfflineConfig } from './config.js'
import type { MailboxSizes } from './mailbox-sizes.js'
import type { OfflineStore } from './offline-store.js'

export interface KeeperCollaborators {
  readonly store: OfflineStore
  readonly sizes: MailboxSizes
  readonly config: Pick<OfflineConfig, 'policy' | 'quotaBytes'>
  readonly sessions: Pick<Sessions, 'ofUser'>
  readonly log: Logger
  /** A message was kept although this session is there to take it. */
  handOver(session: ClientSession): void
}

export class UndeliveredKeeper {
  readonly #with: KeeperCollaborators

  constructor(collaborators: KeeperCollaborators) {
    this.#with = collaborators
  }

  /** `pass` lets core answer as RFC 6121 §8.5 says, which is `service-unavailable` for what could have been kept. */
  decide(fact: MessageUndelivered): MaybePromise<Verdict> {
    const fate = fateOf(fact.message)
    if (fate === 'ignore') return 'handled'
    const { policy } = this.#with.config
    if (fate === 'refuse' || policy === 'bounce') return 'pass'
    if (policy === 'drop') return 'handled'
    return this.#keep(fact, fact.message.toString())
  }

  #keep(fact: MessageUndelivered, xml: string): MaybePromise<Verdict> {
    const { store, sizes } = this.#with
    if (!store.fits(xml)) return this.#noRoom(fact)
    const size = sizes.of(fact.recipient.local)
    if (isPromise(size)) return this.#keepWhenKnown(size, fact, xml)
    return this.#keepBeside(size, fact, xml)
  }

  /** A database that is away is no reason to say that the message cannot be kept: another try may succeed. */
  async #keepWhenKnown(loading: Promise<number>, fact: MessageUndelivered, xml: string): Promise<Verdict> {
    let size: number
    try {
      size = await loading
    } catch (error) {
      this.#with.log.error({ jid: fact.recipient.toString(), stanzaId: fact.message.id, error }, 'a message could not be kept')
      throw new StanzaError('internal-server-error', { type: 'wait', text: 'The server could not store this. Try again later.' })
    }
    // With what was kept of those who waited for the same answer.
    return this.#keepBeside(this.#with.sizes.known(fact.recipient.local) ?? size, fact, xml)
  }

  /** @param size characters that are kept already */
  #keepBeside(size: number, fact: MessageUndelivered, xml: string): MaybePromise<Verdict> {
    const { config } = this.#with
    const { message, recipient, isGivenBack } = fact
    // What was accepted before is not lost for want of room: its sender counts on it.
    if (config.policy !== 'store' && !isGivenBack && size + xml.length >= config.quotaBytes) return this.#noRoom(fact)
    return whenDone(takeStanzaId(message, message, recipient, fact), (id) => this.#append(fact, this.#stamped(fact, xml, id)))
  }

  /** With the id that the account has for it (XEP-0359), so that a client knows it again that finds it in the archive too. */
  #stamped({ message, recipient }: MessageUndelivered, xml: string, id: string | undefined): string {
    if (id === undefined) return xml
    const stamped = stampStanzaId(message.clone(), recipient, id).toString()
    return this.#with.store.fits(stamped) ? stamped : xml
  }

  #append(fact: MessageUndelivered, xml: string): MaybePromise<Verdict> {
    const { store, sizes } = this.#with
    const { local } = fact.recipient
    const stored = store.append(local, xml)
    sizes.grow(local, xml.length)
    fact.hold(stored)
    stored.then(
      () => this.#lookAgain(fact),
      () => sizes.forget(local), // core reports the failure with the hold, and answers the sender
    )
    return store.isSaturated ? store.whenIdle().then(() => 'handled') : 'handled'
  }

  /** The user may have come while the row was on its way: nobody else would look for it before the next login. */
  #lookAgain({ recipient }: MessageUndelivered): void {
    const taker = this.#with.sessions.ofUser(recipient).find((it) => it.isOpen && it.isAvailable && it.priority >= 0)
    if (taker) this.#with.handOver(taker)
  }

  /** Beyond the quota, or, as one that is given back can only be, longer than the column of a table that Openfire made. */
  #noRoom({ message, recipient, isGivenBack }: MessageUndelivered): Verdict {
    const { policy, quotaBytes } = this.#with.config
    this.#with.log[isGivenBack ? 'warn' : 'info'](
      { jid: recipient.toString(), stanzaId: message.id, quotaBytes, policy },
      'no room to keep a message',
    )
    return policy === 'store_and_drop' ? 'handled' : 'pass'
  }
}
