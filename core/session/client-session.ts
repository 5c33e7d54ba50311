/** A client that has authenticated and bound a resource (RFC 6120 §7): the last phase of its stream. */
import {
  type ClientSession as ClientSessionContract,
  type Element,
  errorReply,
  type Jid,
  type Logger,
  type MaybePromise,
  NS,
  type Presence,
  SessionEnded,
  type Stanza,
  StanzaError,
  type StreamErrorCondition,
} from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'
import { StreamError } from '../stream/stream-error.js'
import type { StreamPhase, XmppStream } from '../stream/xmpp-stream.js'
import { AcknowledgementHolds } from './acknowledgement-holds.js'
import { Handover } from './handover.js'

/** What a session needs of the server; one object for all of them. */
export interface SessionCollaborators {
  readonly log: Logger
  /** Unwritten bytes beyond which a session that does not read is ended. */
  readonly outboundBytes: number
  /** A stanza came from the client. */
  receive(stanza: Stanza, session: ClientSession): MaybePromise<void>
  /** Hands a stanza over, inside the outgoing chain. */
  deliver(stanza: Stanza, session: ClientSession, origin: Origin | undefined): MaybePromise<boolean>
  availabilityChanged(session: ClientSession, before: Presence | undefined): MaybePromise<void>
  ended(session: ClientSession, abrupt: boolean): void
}

export class ClientSession implements ClientSessionContract, Origin, StreamPhase {
  readonly kind = 'client'
  readonly connectedAt = new Date()
  readonly #stream: XmppStream
  readonly #server: SessionCollaborators
  readonly #holds: AcknowledgementHolds
  #presence: Presence | undefined
  #priority = 0
  #handling: Stanza | undefined
  #isOpen = true
  #handover: Handover | undefined

  constructor(
    stream: XmppStream,
    readonly jid: Jid,
    readonly mechanism: string,
    server: SessionCollaborators,
  ) {
    this.#stream = stream
    this.#server = server
    this.#holds = new AcknowledgementHolds((stanza, error) => this.#holdFailed(stanza, error))
  }

  get id(): string {
    return this.#stream.id
  }
  get remoteAddress(): string {
    return this.#stream.transport.remoteAddress
  }
  get secure(): boolean {
    return this.#stream.transport.isSecure
  }
  get lang(): string | undefined {
    return this.#stream.lang
  }
  get presence(): Presence | undefined {
    return this.#presence
  }
  get isAvailable(): boolean {
    return this.#presence !== undefined
  }
  get priority(): number {
    return this.#priority
  }
  /** False as soon as nothing can reach the client any more, which may be before the end of the session is told. */
  get isOpen(): boolean {
    return this.#isOpen && this.#stream.isOpen
  }

  setPresence(presence: Presence | undefined): MaybePromise<void> {
    // What was on its way when the session ended must not make it available again: nobody would ever hear that it goes.
    if (presence && !this.#isOpen) return
    const before = this.#presence
    this.#presence = presence
    this.#priority = presence?.priority ?? 0
    return this.#server.availabilityChanged(this, before)
  }

  deliver(stanza: Stanza, origin?: Origin): MaybePromise<boolean> {
    return this.#server.deliver(stanza, this, origin)
  }

  /** True when messages may be handed to this session: it is available, not of negative priority, and has what was kept for it. */
  get isReceptive(): boolean {
    return this.#presence !== undefined && this.#priority >= 0 && this.#handover === undefined && this.isOpen
  }

  /** While kept messages are being handed over: resolves when live ones may follow, or have waited long enough. */
  get handover(): Promise<void> | undefined {
    return this.#handover?.mayFollow
  }

  /** Keeps live messages behind kept ones: until `done` is called. */
  beginHandover(): Handover {
    this.#handover = new Handover(() => {
      this.#handover = undefined
    })
    return this.#handover
  }

  /** Puts bytes on the stream, past the chain: the outgoing chain's act. @returns false when the session has ended, or ends for not reading */
  write(xml: string): boolean {
    if (!this.isOpen) return false
    if (this.#stream.transport.queuedBytes > this.#server.outboundBytes) {
      this.close('policy-violation', 'You do not read what is sent to you.')
      return false
    }
    this.#stream.send(xml)
    return true
  }

  async whenFlushed(): Promise<void> {
    if (!this.isOpen) throw new SessionEnded('the session has ended')
    await this.#stream.transport.whenFlushed()
  }

  hold(durable: Promise<unknown>): void {
    this.#holds.hold(durable, this.#handling)
  }

  /** Resolves when all that this session sent so far is as durable as it must be; undefined when it is. */
  whenDurable(): Promise<void> | undefined {
    return this.#holds.whenSettled()
  }

  close(condition?: StreamErrorCondition, text?: string): void {
    this.#stream.close(condition && new StreamError(condition, text))
  }

  features(): Element[] {
    return []
  }

  stanza(stanza: Stanza): MaybePromise<void> {
    this.#handling = stanza
    return this.#server.receive(stanza, this)
  }

  element(el: Element): never {
    const ns = el.getNS()
    if (ns === NS.client || el.getName() === 'message' || el.getName() === 'presence' || el.getName() === 'iq') {
      throw new StreamError(ns === NS.client ? 'unsupported-stanza-type' : 'invalid-namespace')
    }
    throw new StreamError('unsupported-stanza-type', 'Only stanzas are expected here.')
  }

  closed(abrupt: boolean): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#server.ended(this, abrupt)
  }

  #holdFailed(stanza: Stanza, error: unknown): void {
    this.#server.log.error({ jid: this.jid.toString(), stanzaId: stanza.id, error }, 'a stanza could not be made durable')
    const refusal =
      error instanceof StanzaError
        ? error
        : new StanzaError('internal-server-error', { type: 'wait', text: 'The server could not store this. Try again later.' })
    const reply = errorReply(stanza, refusal)
    if (reply) void this.deliver(reply, this)
  }
}
