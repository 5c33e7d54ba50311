/** One stanza meeting the chain: what an interceptor is given. */
import type { Crossing, RoutedNotes, Session, Stanza } from '@beaconfire/plugin-sdk'

/** A session as core drives it: it can be told that its stanza must not be acknowledged yet (design §5). */
export interface Origin extends Session {
  /** Holds the acknowledgement of the stanza this session is sending until `durable` settles. */
  hold(durable: Promise<unknown>): void
}

export class PacketCrossing implements Crossing {
  readonly #origin: Origin
  constructor(
    readonly packet: Stanza,
    readonly session: Session,
    readonly incoming: boolean,
    readonly processed: boolean,
    readonly routed: RoutedNotes,
    origin: Origin,
  ) {
    this.#origin = origin
  }

  hold(durable: Promise<unknown>): void {
    this.#origin.hold(durable)
  }
}
