/** A client session under stream management (XEP-0198): its requests, what it is sent until it acknowledges, its ways back. */
import { randomBytes } from 'node:crypto'
import {
  type Element,
  isKept,
  type Jid,
  type Logger,
  type MaybePromise,
  Message,
  NS,
  parseStanza,
  type Stanza,
  stampDelay,
} from '@beaconfire/plugin-sdk'
import { acknowledgement, booleanIn, countIn, enabled, failed, REQUEST, resumed } from '../stream/management-elements.js'
import { StreamError } from '../stream/stream-error.js'
import type { XmppStream } from '../stream/xmpp-stream.js'
import type { ClientSession } from './client-session.js'
import { recipientsOf } from './delivered-to.js'
import type { Resumptions } from './resumptions.js'
import { StreamManagement, type Unacknowledged } from './stream-management.js'

export interface ManagementCollaborators {
  readonly domain: Jid
  readonly log: Logger
  readonly resumptions: Resumptions<ClientSession>
  /** How long a session may be without a connection; 0: none can be resumed. */
  readonly resumeSeconds: number
  /** Where clients should connect to resume: host and port. */
  readonly location: string | undefined
  /** What a session may leave unacknowledged before those who send to it wait. */
  readonly unacknowledgedStanzas: number
  readonly unacknowledgedBytes: number
  readonly outboundBytes: number
}

/** How long a sender waits for a client to acknowledge, in ms; then that client's session is ended. */
const SENDER_PATIENCE_MS = 10_000
/** Those who do not wait may fill so many times the room there is. */
const HARD_LIMIT = 2
/** How long a client that resumes waits for what it sent before to be durable, in ms; after that it has to send it again. */
const RESUME_PATIENCE_MS = 5000
const ID_BYTES = 24

export class ManagedStream {
  readonly #session: ClientSession
  readonly #server: ManagementCollaborators
  readonly #state: StreamManagement
  #mayResume: boolean

  private constructor(session: ClientSession, server: ManagementCollaborators, state: StreamManagement) {
    this.#session = session
    this.#server = server
    this.#state = state
    this.#mayResume = state.id !== undefined
  }

  /** The first request of a client, which should be `<enable/>`; it is answered. @returns undefined when nothing was enabled */
  static enable(el: Element, session: ClientSession, server: ManagementCollaborators): ManagedStream | undefined {
    const { stream } = session
    if (el.getName() !== 'enable') {
      stream.send(failed('unexpected-request').toString())
      return undefined
    }
    const wanted = booleanIn(el.attrs.resume)
    const longest = el.attrs.max === undefined ? server.resumeSeconds : countIn(el.attrs.max)
    if (wanted === undefined || longest === undefined) {
      stream.send(failed('bad-request').toString())
      return undefined
    }
    const seconds = wanted ? Math.min(longest, server.resumeSeconds) : 0
    const id = seconds > 0 ? randomBytes(ID_BYTES).toString('base64url') : undefined
    const state = new StreamManagement(id, seconds, session.handedOver)
    if (id !== undefined) server.resumptions.add(id, session)
    stream.send(enabled(id === undefined ? undefined : { id, seconds, location: server.location }).toString())
    return new ManagedStream(session, server, state)
  }

  get isResumable(): boolean {
    return this.#mayResume
  }
  get requestedAt(): number {
    return this.#state.requestedAt
  }
  get handedOver(): number {
    return this.#state.base + this.#state.sent
  }
  get arrived(): number {
    return this.#state.base + this.#state.acknowledged
  }
  /** Number of the stanza that is being handled. */
  get next(): number {
    return this.#state.handled + 1
  }

  /** Any later element of the client's. @throws StreamError */
  element(el: Element): void {
    switch (el.getName()) {
      case 'r':
        this.#answer()
        break
      case 'a':
        this.acknowledge(el.attrs.h)
        break
      case 'enable':
      case 'resume':
        this.#session.stream.send(failed('unexpected-request').toString())
        break
      default:
        throw new StreamError('unsupported-stanza-type')
    }
  }

  // --- what the client has sent

  /** Counts the stanza that is being handled once it is. */
  count(done: MaybePromise<void>): MaybePromise<void> {
    if (done === undefined) {
      this.#state.handled++
      return
    }
    const { stream } = this.#session
    return done.then(() => {
      // After a resumption by which the client was told less, it sends the stanza again.
      if (this.#session.stream === stream) this.#state.handled++
    })
  }

  holdReleased(): void {
    const { owed } = this.#state
    if (owed !== 0 && this.#settled() >= owed) this.#tell(this.#settled())
  }

  acknowledgePart(): void {
    if (this.#state.owed !== 0) this.#session.stream.send(acknowledgement(this.#settled()))
  }

  #answer(): void {
    const { handled } = this.#state
    const settled = this.#settled()
    if (settled === handled) {
      this.#tell(settled)
      return
    }
    this.#state.asked = handled
    if (this.#state.owed !== 0) return // the answer to an earlier request goes first, or a client that asks all the time would have none
    this.#state.owed = handled
    this.#server.resumptions.owe(this.#session)
  }

  #tell(settled: number): void {
    if (this.#state.owed !== 0) {
      // Of the requests that are left any may be about the next.
      this.#state.owed = settled < this.#state.asked ? settled + 1 : 0
      if (this.#state.owed === 0) this.#server.resumptions.settled(this.#session)
    }
    this.#session.stream.send(acknowledgement(settled))
  }

  #settled(): number {
    return this.#session.settledUpTo(this.#state.handled)
  }

  // --- what the client is sent

  write(stanza: Stanza): MaybePromise<boolean> {
    const xml = stanza.toString()
    this.#state.add({ xml, at: Date.now(), isKept: isKept(stanza), others: recipientsOf(stanza) })
    const { stream } = this.#session
    if (stream.isOpen) {
      if (stream.transport.queuedBytes > this.#server.outboundBytes) this.#loseConnection(stream)
      else stream.send(xml)
    }
    return this.#isFull(1) ? this.#whenRoom() : true
  }

  /** @throws StreamError when the count is wrong */
  acknowledge(h: string | undefined): void {
    if (!this.#state.acknowledge(h)) return
    // What was sent after the last request is asked for now.
    const request = this.request()
    if (request !== undefined) this.#session.stream.send(request)
  }

  request(): string | undefined {
    return this.#state.request(performance.now())
  }

  /** A request is as good as a ping, and is no stanza. */
  probe(): boolean {
    this.#state.requestedAt ||= performance.now()
    this.#session.stream.send(REQUEST)
    return true
  }

  whenAcknowledged(): Promise<void> {
    return this.#state.whenAcknowledged()
  }

  #isFull(times: number): boolean {
    const { unacknowledgedStanzas, unacknowledgedBytes } = this.#server
    return this.#state.unacknowledged >= unacknowledgedStanzas * times || this.#state.bytes >= unacknowledgedBytes * times
  }

  /** The sender waits, for some time. Nobody waits for a client that is not there. */
  #whenRoom(): MaybePromise<boolean> {
    if (this.#server.resumptions.isWaiting(this.#session) || this.#isFull(HARD_LIMIT)) {
      this.#overflow()
      return true
    }
    return this.#patiently()
  }

  async #patiently(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    let isLate = false
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        isLate = true
        resolve()
      }, SENDER_PATIENCE_MS)
    })
    while (!isLate && this.#isFull(1)) await Promise.race([this.#state.whenRoom(), late])
    clearTimeout(timer)
    if (this.#isFull(1)) this.#overflow()
    return true
  }

  /** What it has not acknowledged is not lost: it is given back when the session ends. */
  #overflow(): void {
    const { unacknowledged, bytes } = this.#state
    this.#server.log.warn({ jid: this.#session.jid.toString(), unacknowledged, bytes }, 'a session that leaves too much unacknowledged is ended')
    this.#session.close('policy-violation', 'You do not acknowledge what is sent to you.')
  }

  #loseConnection(stream: XmppStream): void {
    this.#server.log.warn({ jid: this.#session.jid.toString(), bytes: stream.transport.queuedBytes }, 'a client that does not read is disconnected')
    stream.transport.destroy()
  }

  // --- endings and returns

  /** The connection is lost. @returns true when the session waits for another */
  wait(): boolean {
    if (!this.#mayResume) return false
    this.#state.forgetRequest()
    this.#server.resumptions.wait(this.#session, this.#state.seconds)
    this.#server.log.debug({ jid: this.#session.jid.toString(), seconds: this.#state.seconds }, 'a session waits for its client to come back')
    return true
  }

  /** It will not be resumed any more. */
  giveUp(): void {
    this.#mayResume = false
  }

  /** Takes the session from the stream it is on. Resolves when what came there is handled and durable, or has been given long enough. */
  async takeOver(durable: Promise<void> | undefined): Promise<void> {
    const handled = this.#session.stream.abandon(new StreamError('conflict', 'The session goes on with another connection.'))
    this.wait()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, RESUME_PATIENCE_MS)
    })
    await Promise.race([handled.then(() => durable).then(() => this.#session.whenDurable()), late])
    clearTimeout(timer)
  }

  /** What is not durable by now does not count: the client sends it again. */
  countSettled(): void {
    this.#state.handled = this.#settled()
  }

  /** The session is on another stream: the client learns how much it need not send again, and gets what it has not acknowledged. */
  moved(stream: XmppStream): void {
    const { id } = this.#state
    this.#server.resumptions.resumed(this.#session)
    this.#server.resumptions.settled(this.#session)
    this.#state.owed = 0
    this.#state.forgetRequest()
    stream.send(resumed(id as string, this.#state.handled).toString())
    for (const stanza of this.#state.pending()) stream.send(this.#again(stanza))
    stream.enter(this.#session)
  }

  /** @returns what nobody has acknowledged */
  end(): readonly Unacknowledged[] {
    this.#mayResume = false
    this.#server.resumptions.ended(this.#session, this.#state.id, this.#settled())
    return this.#state.end()
  }

  /** A message says when it came, for the client may have been away for long. */
  #again({ xml, at }: Unacknowledged): string {
    if (!xml.startsWith('<message')) return xml
    const stanza = parseStanza(xml)
    if (!(stanza instanceof Message) || stanza.hasChild('delay', NS.delay)) return xml
    return stampDelay(stanza, new Date(at), this.#server.domain).toString()
  }
}
