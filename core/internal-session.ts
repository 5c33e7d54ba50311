/** The session of the server itself: where stanzas of core and plugins come from. */
import type { Jid, Logger, Session } from '@beaconfire/plugin-sdk'
import { ofLastRow } from './database/stored-together.js'
import type { Origin } from './pipeline/crossing.js'

export class InternalSession implements Session, Origin {
  readonly kind = 'internal'
  readonly id = 'internal'
  readonly remoteAddress = ''
  readonly secure = true
  /** The session whose stanza is being handled in this moment: what it causes in the server's name is held with it. */
  underWay: Origin | undefined
  readonly #log: Logger

  constructor(
    readonly jid: Jid,
    log: Logger,
  ) {
    this.#log = log
  }

  /** Where nobody waits for an acknowledgement, a failure is logged. */
  hold(durable: Promise<unknown>, isCertain?: boolean): void {
    if (this.underWay) this.underWay.hold(durable, isCertain)
    else ofLastRow(durable).catch((error: unknown) => this.#log.error({ error }, 'a stanza of the server could not be made durable'))
  }
}
