/** Tells a user's resources of changes: names of lists (XEP-0016 §2.2 rule 10), addresses blocked and unblocked (XEP-0191 §3.3). */
import { randomBytes } from 'node:crypto'
import { type ClientSession, type Element, element, iq, type Jid, type Logger, NS, type Sessions } from '@beaconfire/plugin-sdk'
import type { SessionPrivacy } from './session-privacy.js'

export class Pushes {
  readonly #sessions: Sessions
  readonly #state: SessionPrivacy
  readonly #log: Logger

  constructor(sessions: Sessions, state: SessionPrivacy, log: Logger) {
    this.#sessions = sessions
    this.#state = state
    this.#log = log
  }

  /** @param all false: only to resources that speak of privacy lists; to the others a block list is all there is */
  listChanged(user: Jid, name: string, all: boolean): void {
    const payload = element('query', { xmlns: NS.privacy }, element('list', { name }))
    this.#push(user, payload, (session) => all || this.#state.usesLists(session))
  }

  blocked(user: Jid, jids: readonly Jid[]): void {
    this.#push(user, element('block', { xmlns: NS.blocking }, ...jids.map(blockedItem)), (session) => this.#state.wantsBlocks(session))
  }

  /** @param jids none: all of them */
  unblocked(user: Jid, jids: readonly Jid[]): void {
    this.#push(user, element('unblock', { xmlns: NS.blocking }, ...jids.map(blockedItem)), (session) => this.#state.wantsBlocks(session))
  }

  /** After the answer to the request that changed something, which is being made: once this turn is over. */
  #push(user: Jid, payload: Element, isFor: (session: ClientSession) => boolean): void {
    const push = iq({ type: 'set', id: `push-${randomBytes(6).toString('hex')}` }, payload)
    setImmediate(() => {
      for (const session of this.#sessions.ofUser(user)) if (isFor(session)) void this.#deliver(session, push.clone())
    })
  }

  async #deliver(session: ClientSession, push: ReturnType<typeof iq>): Promise<void> {
    push.to = session.jid
    try {
      await session.deliver(push)
    } catch (error) {
      this.#log.error({ jid: session.jid.toString(), error }, 'a change of privacy lists could not be pushed')
    }
  }
}

export function blockedItem(jid: Jid): Element {
  return element('item', { jid: jid.toString() })
}
