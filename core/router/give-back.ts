/** Messages that were accepted and reached nobody after all: to other resources, to who keeps messages, or back to their sender. */
import { errorReply, type Jid, type Message, type Stanza, StanzaError, stampDelay } from '@beaconfire/plugin-sdk'
import { ofLastRow } from '../database/stored-together.js'
import type { Origin } from '../pipeline/crossing.js'

export interface GiveBackCollaborators {
  readonly domain: Jid
  readonly internal: Origin
  /** Routes a message to a local account. @throws StanzaError when it reaches nobody */
  deliver(message: Message, to: Jid, origin: Origin): unknown
  /** Routes anything else. */
  route(stanza: Stanza): unknown
}

/** In the server's name, with holds of its own. */
class ReturnOrigin implements Origin {
  readonly kind = 'internal'
  readonly id = 'internal'
  readonly remoteAddress = ''
  readonly secure = true
  readonly isGivingBack = true
  readonly holds: Promise<unknown>[] = []

  constructor(readonly jid: Jid) {}

  hold(durable: Promise<unknown>): void {
    const own = ofLastRow(durable)
    own.catch(() => {}) // looked at when all are there
    this.holds.push(own)
  }
}

export class GiveBack {
  readonly #server: GiveBackCollaborators

  constructor(server: GiveBackCollaborators) {
    this.#server = server
  }

  /**
   * Treats a message to this account as if it had just come and had no resource, with the time at which it came. Resolves when it is
   * durable, wherever it is, or its sender has been told that it reached nobody.
   * @throws (rejects) when it could not be stored: another try may succeed
   */
  async message(message: Message, account: Jid, at: Date): Promise<void> {
    const { internal, domain } = this.#server
    const origin = new ReturnOrigin(internal.jid)
    stampDelay(message, at, domain)
    try {
      await this.#server.deliver(message, account, origin)
    } catch (error) {
      if (!(error instanceof StanzaError) || isPassing(error)) throw error
      await this.bounce(message, error)
    }
    await Promise.all(origin.holds)
  }

  /** Tells the sender, where an answer is allowed. */
  async bounce(stanza: Stanza, error: StanzaError): Promise<void> {
    const reply = errorReply(stanza, error)
    if (reply?.to) await this.#server.route(reply)
  }
}

/** The fault is the server's, and may be over soon. */
function isPassing(error: StanzaError): boolean {
  return error.type === 'wait' && error.condition === 'internal-server-error'
}
