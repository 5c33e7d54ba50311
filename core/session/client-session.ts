/** A client that has authenticated and bound a resource (RFC 6120 §7): the last phase of its stream, or of several after each other. */
import {
  type ClientSession as ClientSessionContract,
  type Element,
  errorReply,
  isPromise,
  type Jid,
  type Logger,
  type MaybePromise,
  NS,
  type OutgoingGate,
  type Presence,
  SessionEnded,
  type Stanza,
  StanzaError,
  type StreamElementHandler,
  type StreamErrorCondition,
} from '@beaconfire/plugin-sdk'
import type { Origin } from '../pipeline/crossing.js'
import { StreamError } from '../stream/stream-error.js'
import type { StreamPhase } from '../stream/stream-phase.js'
import type { XmppStream } from '../stream/xmpp-stream.js'
import { AcknowledgementHolds } from './acknowledgement-holds.js'
import { Handover } from './handover.js'
import { ManagedStream, type ManagementCollaborators } from './managed-stream.js'
import type { Unacknowledged } from './stream-management.js'

/** What a session needs of the server; one object for all of them. */
export interface SessionCollaborators {
  readonly log: Logger
  /** Unwritten bytes beyond which a session that does not read is ended. */
  readonly outboundBytes: number
  /** The server's own session: what is delivered in its name while a stanza is handled is held with that stanza. */
  readonly internal: { underWay: Origin | undefined }
  readonly management: ManagementCollaborators
  /** A stanza came from the client. */
  receive(stanza: Stanza, session: ClientSession): MaybePromise<void>
  /** Hands a stanza over, inside the outgoing chain. */
  deliver(stanza: Stanza, session: ClientSession, origin: Origin | undefined): MaybePromise<boolean>
  /** The plugin that takes an element that is no stanza, if any. */
  elementHandler(el: Element): StreamElementHandler | undefined
  availabilityChanged(session: ClientSession, before: Presence | undefined): MaybePromise<void>
  /** @param left what the session was handed and never acknowledged, where it acknowledges */
  ended(session: ClientSession, abrupt: boolean, left: readonly Unacknowledged[]): void
}

const NOTHING: readonly Unacknowledged[] = []
const NOT_READ = 'You do not read what is sent to you.'

export class ClientSession implements ClientSessionContract, Origin, StreamPhase {
  readonly kind = 'client'
  readonly id: string
  readonly connectedAt = new Date()
  #stream: XmppStream
  readonly #server: SessionCollaborators
  /** Made when first needed, as most sessions that idle have never sent anything worth keeping. */
  #holds: AcknowledgementHolds | undefined
  /** Where the client has enabled XEP-0198. */
  #managed: ManagedStream | undefined
  #presence: Presence | undefined
  #priority = 0
  #handling: Stanza | undefined
  #isOpen = true
  #handover: Handover | undefined
  gate: OutgoingGate | undefined

  constructor(
    stream: XmppStream,
    readonly jid: Jid,
    readonly mechanism: string,
    server: SessionCollaborators,
  ) {
    this.id = stream.id
    this.#stream = stream
    this.#server = server
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
    return this.#isOpen && (this.#managed?.isResumable || this.#stream.isOpen)
  }
  /** The stream that carries it, or carried it last. */
  get stream(): XmppStream {
    return this.#stream
  }

  get handedOver(): number {
    return this.#managed?.handedOver ?? this.#stream.transport.writes
  }
  get arrived(): number {
    return this.#managed?.arrived ?? this.#stream.transport.writesTaken
  }
  get acknowledges(): boolean {
    return this.#managed !== undefined
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

  /**
   * Hands the stanza over to the client, past the chain: the outgoing chain's act. A promise keeps the sender waiting, for the client
   * acknowledges more slowly than it is sent to.
   * @returns false when the session has ended, or ends for not reading
   */
  write(stanza: Stanza): MaybePromise<boolean> {
    if (!this.isOpen) return false
    if (this.gate?.withholds(stanza)) return true
    return this.#put(stanza)
  }

  release(stanza: Stanza): void {
    if (this.isOpen) void this.#put(stanza) // it never rejects, and nobody is there to wait
  }

  #put(stanza: Stanza): MaybePromise<boolean> {
    if (this.#managed) return this.#managed.write(stanza)
    if (this.#stream.transport.queuedBytes > this.#server.outboundBytes) {
      this.close('policy-violation', NOT_READ)
      return false
    }
    this.#stream.send(stanza.toString())
    return true
  }

  async whenFlushed(): Promise<void> {
    if (!this.isOpen) throw new SessionEnded('the session has ended')
    await (this.#managed?.whenAcknowledged() ?? this.#stream.transport.whenFlushed())
  }

  hold(durable: Promise<unknown>, isCertain = false): void {
    this.#holds ??= new AcknowledgementHolds(
      (stanza, error) => this.#holdFailed(stanza, error),
      () => this.#managed?.holdReleased(),
    )
    this.#holds.hold(durable, isCertain ? undefined : this.#handling, this.#managed?.next)
  }

  /** Resolves when all that this session sent so far is as durable as it must be; undefined when it is. */
  whenDurable(): Promise<void> | undefined {
    return this.#holds?.whenSettled()
  }

  close(condition?: StreamErrorCondition, text?: string): void {
    this.#managed?.giveUp()
    this.#stream.close(condition && new StreamError(condition, text))
    // Without a connection nobody else would tell that it is over.
    if (this.#managed && this.#server.management.resumptions.isWaiting(this)) this.#end(false)
  }

  // --- as the phase of a stream

  features(): string {
    return ''
  }

  stanza(stanza: Stanza): MaybePromise<void> {
    this.#handling = stanza
    const { internal } = this.#server
    const before = internal.underWay
    internal.underWay = this
    try {
      const done = this.#server.receive(stanza, this)
      return this.#managed ? this.#managed.count(done) : done
    } finally {
      internal.underWay = before
    }
  }

  element(el: Element): MaybePromise<void> {
    const ns = el.getNS()
    if (ns === NS.streamManagement) {
      this.#manage(el)
      return
    }
    const handler = this.#server.elementHandler(el)
    if (handler) return this.#give(el, handler)
    if (ns === NS.client || el.getName() === 'message' || el.getName() === 'presence' || el.getName() === 'iq') {
      throw new StreamError(ns === NS.client ? 'unsupported-stanza-type' : 'invalid-namespace')
    }
    throw new StreamError('unsupported-stanza-type', 'Only stanzas are expected here.')
  }

  #give(el: Element, handler: StreamElementHandler): MaybePromise<void> {
    const failed = (error: unknown) =>
      this.#server.log.error({ jid: this.jid.toString(), name: handler.name, namespace: handler.namespace, error }, 'handling an element failed')
    try {
      const done = handler.handle(el, this)
      return isPromise(done) ? done.catch(failed) : undefined
    } catch (error) {
      failed(error)
    }
  }

  get hasUrgent(): boolean {
    return this.#managed !== undefined
  }
  /** Acknowledgements: who waits for them may be what the stanza under way waits for. */
  urgent(el: Element): boolean {
    if (!this.#managed || !el.is('a', NS.streamManagement)) return false
    this.#managed.acknowledge(el.attrs.h)
    return true
  }
  flushing(): string | undefined {
    return this.#managed?.request()
  }
  probe(): boolean {
    return this.#managed?.probe() ?? false
  }
  get waitingSince(): number {
    return this.#managed?.requestedAt ?? 0
  }

  closed(abrupt: boolean): void {
    if (!this.#isOpen) return
    if (!abrupt || !this.#managed?.wait()) this.#end(abrupt)
  }

  // --- for stream management (XEP-0198)

  #manage(el: Element): void {
    if (!this.#managed) this.#managed = ManagedStream.enable(el, this, this.#server.management)
    else this.#managed.element(el)
  }

  /** @internal the count of stanzas before the first that is held */
  settledUpTo(handled: number): number {
    return this.#holds?.settledUpTo(handled) ?? handled
  }

  /** For a client that has lost its connection and found back (§5). @throws StreamError for a wrong count @returns false when it is too late */
  async resume(stream: XmppStream, h: string): Promise<boolean> {
    if (!this.#managed?.isResumable) return false
    this.#managed.acknowledge(h)
    for (;;) {
      const before = this.#stream
      await this.#managed.takeOver(this.whenDurable())
      if (!this.#isOpen || !stream.isOpen) return false
      if (before === this.#stream) break // else another one was faster, and is taken over in its turn
    }
    this.#managed.countSettled()
    this.#holds?.startOver()
    this.#stream = stream
    this.#managed.moved(stream)
    this.gate?.resumed()
    return true
  }

  expire(): void {
    if (this.#isOpen) this.#end(true)
  }
  acknowledgePart(): void {
    this.#managed?.acknowledgePart()
  }

  #end(abrupt: boolean): void {
    this.#isOpen = false
    this.#server.ended(this, abrupt, this.#managed?.end() ?? NOTHING)
  }

  #holdFailed(stanza: Stanza, error: unknown): void {
    this.#server.log.error({ jid: this.jid.toString(), stanzaId: stanza.id, error }, 'a stanza could not be made durable')
    const refusal =
      error instanceof StanzaError
        ? error
        : new StanzaError('internal-server-error', { type: 'wait', text: 'The server could not store this. Try again later.' })
    const reply = errorReply(stanza, refusal)
    if (!reply) return
    const delivered = this.deliver(reply, this)
    if (isPromise(delivered)) delivered.catch((failure: unknown) => this.#server.log.error({ jid: this.jid.toString(), error: failure }, 'no answer'))
  }
}
