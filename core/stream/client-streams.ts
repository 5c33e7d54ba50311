/** The streams of clients: begins them on accepted connections and watches the limits of RFC 6120 §13.12 over all of them. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { Transport } from '../net/transport.js'
import { Negotiation, type NegotiationCollaborators } from './negotiation.js'
import { StreamError } from './stream-error.js'
import { type StreamSettings, XmppStream } from './xmpp-stream.js'

export interface StreamWatchLimits {
  /** From connecting to being logged in. */
  readonly preAuthenticationSeconds: number
  readonly preAuthenticationBytes: number
  /** Silence after which a session is probed; a minute later it is closed. 0: never. */
  readonly idleSeconds: number
  /** How long an answer to XEP-0198's `<r/>` may take while anything else is silent too. 0: for ever. */
  readonly acknowledgementSeconds: number
  /** Rates of one stream; undefined where limits by rate are off. */
  readonly rates: { readonly stanzasPerSecond: number; readonly bytesPerSecond: number } | undefined
}

const TICK_MS = 1000
const GRACE_AFTER_PROBE_MS = 60_000

export class ClientStreams {
  readonly #streams = new Set<XmppStream>()
  readonly #settings: StreamSettings
  readonly #negotiation: NegotiationCollaborators
  readonly #limits: StreamWatchLimits
  readonly #log: Logger
  readonly #timer: NodeJS.Timeout

  constructor(settings: StreamSettings, negotiation: NegotiationCollaborators, limits: StreamWatchLimits) {
    this.#settings = { ...settings, ended: (stream) => this.#streams.delete(stream) }
    this.#negotiation = negotiation
    this.#limits = limits
    this.#log = settings.log
    this.#timer = setInterval(() => this.#watch(), TICK_MS)
    this.#timer.unref()
  }

  /** @param certificateUsernames accounts that the client's certificate stands for, where it came with direct TLS */
  accept(transport: Transport, certificateUsernames?: readonly string[]): void {
    const stream = new XmppStream(transport, this.#settings, (it) => new Negotiation(it, this.#negotiation, certificateUsernames))
    this.#streams.add(stream)
    this.#grant(stream)
  }

  get count(): number {
    return this.#streams.size
  }

  /** Ends every stream with `system-shutdown`. */
  close(): void {
    clearInterval(this.#timer)
    for (const stream of this.#streams) stream.close(new StreamError('system-shutdown'))
  }

  /** Closes the connections that are still there. */
  destroy(): void {
    for (const stream of this.#streams) stream.transport.destroy()
  }

  #watch(): void {
    const now = performance.now()
    for (const stream of this.#streams) {
      if (!stream.isOpen) continue
      if (stream.phase instanceof Negotiation) this.#watchNegotiation(stream, now)
      else this.#watchSession(stream, now)
      this.#grant(stream)
    }
  }

  #watchNegotiation(stream: XmppStream, now: number): void {
    if (now - stream.openedAt < this.#limits.preAuthenticationSeconds * 1000) return
    this.#log.info({ streamId: stream.id, address: stream.transport.remoteAddress }, 'a peer did not log in in time')
    stream.close(new StreamError('connection-timeout', 'Log in sooner.'))
  }

  #watchSession(stream: XmppStream, now: number): void {
    const idle = this.#limits.idleSeconds * 1000
    const silent = now - stream.lastActivity
    const patience = this.#limits.acknowledgementSeconds * 1000
    const { waitingSince = 0 } = stream.phase
    if (waitingSince !== 0 && patience !== 0 && now - Math.max(waitingSince, stream.lastActivity) > patience) {
      stream.close(new StreamError('connection-timeout', 'You do not acknowledge what is sent to you.'))
      return
    }
    if (idle === 0 || silent < idle) return
    if (silent > idle + GRACE_AFTER_PROBE_MS) stream.close(new StreamError('connection-timeout'))
    else stream.probe()
  }

  /** What a stream may send until the next tick; what it does not use is not saved up. */
  #grant(stream: XmppStream): void {
    const { rates, preAuthenticationBytes } = this.#limits
    const isNegotiating = stream.phase instanceof Negotiation
    stream.grant({
      bytes: rates ? rates.bytesPerSecond : Number.POSITIVE_INFINITY,
      stanzas: rates ? rates.stanzasPerSecond : Number.POSITIVE_INFINITY,
      total: isNegotiating ? preAuthenticationBytes : Number.POSITIVE_INFINITY,
    })
  }
}
