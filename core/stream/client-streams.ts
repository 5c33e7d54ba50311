/** The streams of clients: begins them on accepted connections and watches the limits of RFC 6120 §13.12 over all of them. */
import type { Logger } from '@beaconfire/plugin-sdk'
import type { Transport } from '../net/transport.js'
import { TurnBudget } from '../net/turn-budget.js'
import { Negotiation, type NegotiationCollaborators } from './negotiation.js'
import { type NewcomerLimits, Newcomers } from './newcomers.js'
import { StreamError } from './stream-error.js'
import type { StreamSettings } from './stream-settings.js'
import { XmppStream } from './xmpp-stream.js'

export interface StreamWatchLimits {
  /** From connecting to being logged in. */
  readonly preAuthenticationSeconds: number
  readonly preAuthenticationBytes: number
  /** Silence after which a session is probed; a minute later it is closed. 0: never. */
  readonly idleSeconds: number
  /** How long an answer to XEP-0198's `<r/>` may take while anything else is silent too. 0: for ever. */
  readonly acknowledgementSeconds: number
  /** Undefined where limits by rate are off. */
  readonly rates: RateLimits | undefined
}

export interface RateLimits extends NewcomerLimits {
  /** Of one stream: who sends more is read more slowly. */
  readonly stanzasPerSecond: number
  readonly bytesPerSecond: number
  /** Who sends more for so long without a pause is closed. 0: never. */
  readonly floodSeconds: number
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
  /** Undefined where limits by rate are off. */
  readonly #newcomers: Newcomers | undefined
  /** Streams that have been read more slowly in every tick since, in ms of `performance.now()`. */
  readonly #floodingSince = new Map<XmppStream, number>()

  constructor(settings: Omit<StreamSettings, 'catchUp'>, negotiation: NegotiationCollaborators, limits: StreamWatchLimits) {
    this.#settings = { ...settings, catchUp: new TurnBudget(), ended: (stream) => this.#forget(stream) }
    this.#negotiation = negotiation
    this.#limits = limits
    this.#log = settings.log
    this.#newcomers = limits.rates && new Newcomers(limits.rates, settings.log)
    this.#timer = setInterval(() => this.#watch(), TICK_MS)
    this.#timer.unref()
  }

  /** @param certificateUsernames accounts that the client's certificate stands for, where it came with direct TLS */
  accept(transport: Transport, certificateUsernames?: readonly string[]): void {
    if (this.#newcomers?.admit(transport.remoteAddress) === false) {
      transport.destroy()
      return
    }
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
      this.#watchRate(stream, now)
      this.#grant(stream)
    }
    this.#newcomers?.recount(this.#addressesOfNewcomers())
  }

  *#addressesOfNewcomers(): Iterable<string> {
    for (const { phase, transport } of this.#streams) if (phase instanceof Negotiation) yield transport.remoteAddress
  }

  #forget(stream: XmppStream): void {
    this.#streams.delete(stream)
    this.#floodingSince.delete(stream)
  }

  #watchRate(stream: XmppStream, now: number): void {
    const { rates } = this.#limits
    if (!stream.isThrottled || !rates) {
      if (this.#floodingSince.size > 0) this.#floodingSince.delete(stream)
      return
    }
    const since = this.#floodingSince.get(stream) ?? now
    const about = { streamId: stream.id, jid: stream.phase.jid?.toString(), address: stream.transport.remoteAddress }
    if (since === now) {
      this.#floodingSince.set(stream, now)
      this.#log.info(about, 'a peer sends faster than it may, and is read more slowly')
    } else if (rates.floodSeconds !== 0 && now - since >= rates.floodSeconds * 1000) {
      this.#log.warn(about, 'a peer did not stop sending faster than it may, and is closed')
      stream.close(
        new StreamError('policy-violation', `Send no more than ${rates.stanzasPerSecond} stanzas or ${rates.bytesPerSecond} bytes a second.`),
      )
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
