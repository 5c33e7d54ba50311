/** One stanza meeting the chain: what an interceptor is given. */
import type { Crossing, RoutedNotes, Session, Stanza } from '@beaconfire/plugin-sdk'

/** A session as core drives it: it can be told that its stanza must not be acknowledged yet (design §5). */
export interface Origin extends Session {
  /** What it sends was accepted before: see `MessageUndelivered.isGivenBack`. */
  readonly isGivingBack?: boolean
  /** Holds the acknowledgement of the stanza this session is sending until `durable` settles. @param isCertain it never rejects */
  hold(durable: Promise<unknown>, isCertain?: boolean): void
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

  /** A getter, so that an interceptor may take it apart as `{ packet, hold }`. */
  get hold(): (durable: Promise<unknown>, isCertain?: boolean) => void {
    const origin = this.#origin
    return (durable, isCertain) => origin.hold(durable, isCertain)
  }

  /** The same with a packet of its own: an interceptor that was given up may still write on the one it was given. */
  detached(): PacketCrossing {
    const copy = this.packet.clone()
    for (const note of Object.getOwnPropertySymbols(this.packet)) copy[note] = this.packet[note]
    const routed = this.routed === this.packet ? copy : this.routed
    return new PacketCrossing(copy, this.session, this.incoming, this.processed, routed, this.#origin)
  }
}
