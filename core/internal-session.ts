/** The session of the server itself: where stanzas of core and plugins come from. */
import type { Jid, Logger, Session } from '@beaconfire/plugin-sdk'
import type { Origin } from './pipeline/crossing.js'

export class InternalSession implements Session, Origin {
  readonly kind = 'internal'
  readonly id = 'internal'
  readonly remoteAddress = ''
  readonly secure = true
  readonly #log: Logger

  constructor(
    readonly jid: Jid,
    log: Logger,
  ) {
    this.#log = log
  }

  /** Nobody waits for an acknowledgement here; a failure is logged. */
  hold(durable: Promise<unknown>): void {
    durable.catch((error: unknown) => this.#log.error({ error }, 'a stanza of the server could not be made durable'))
  }
}
