/** A stream before it has a session: STARTTLS, SASL, requests that are answered before authentication, then resource binding. */
import type { SecureContext, TLSSocket } from 'node:tls'
import {
  type ConnectedSession,
  type Element,
  element,
  errorReply,
  type Iq,
  iq,
  Jid,
  type Logger,
  type Login,
  type MaybePromise,
  NS,
  type Stanza,
  StanzaError,
  type StreamErrorCondition,
} from '@beaconfire/plugin-sdk'
import type { LoginThrottle } from '../auth/login-throttle.js'
import { prepareUsername } from '../auth/sasl-identity.js'
import type { SaslChannelBinding, SaslEnvironment, SaslFailureCondition, SaslMechanism } from '../auth/sasl-mechanism.js'
import { channelBindingFeature, mechanismsFeature, offeredMechanisms, SaslSession, saslFailureElement } from '../auth/sasl-session.js'
import type { ChannelBindings } from '../net/tls-channel-binding.js'
import type { Transport } from '../net/transport.js'
import { LoginAttempts } from './login-attempts.js'
import { failed } from './management-elements.js'
import { StreamError } from './stream-error.js'
import { BIND_FEATURES, type StreamFeatureRegistry, starttlsFeature, type TlsPolicy } from './stream-features.js'
import type { StreamPhase } from './stream-phase.js'
import type { XmppStream } from './xmpp-stream.js'

/** RFC 6120 §7.7.3: between 5 and 10 tries. */
const MAX_FAILED_BINDS = 10

/** What negotiation needs of the server; one object for all streams. */
export interface NegotiationCollaborators {
  readonly domain: Jid
  readonly tls: TlsPolicy
  readonly plainWithoutTls: boolean
  /** All that can be used now, strongest first. */
  mechanisms(): readonly SaslMechanism[]
  readonly saslEnvironment: Pick<SaslEnvironment, 'domain' | 'credentials'>
  /** Undefined where none is offered. */
  readonly channelBindings: ChannelBindings | undefined
  /** Accounts that the client's certificate stands for; undefined where certificates are not asked for. */
  certificateUsernames(transport: Transport): MaybePromise<readonly string[] | undefined>
  /** XEP-0478: what holds before a peer has logged in, and after; as XML. */
  readonly limits: { readonly before: string; readonly after: string }
  /** Where new streams are sent instead (`see-other-host`); undefined while this server serves them. */
  redirect(): string | undefined
  readonly throttle: LoginThrottle
  readonly features: StreamFeatureRegistry
  readonly log: Logger
  secureContext(): SecureContext
  connected(session: Negotiation): void
  disconnected(session: Negotiation): void
  /** Answers a request that may come before authentication. @throws StanzaError */
  preAuthIq(iq: Iq, session: Negotiation): MaybePromise<Element | undefined>
  /** Binds a resource, and makes the session that takes the stream over. @throws StanzaError */
  bind(stream: XmppStream, account: AuthenticatedAccount, resource: string | undefined): MaybePromise<BoundSession>
  /** Gives the stream to the session that `<resume/>` names (XEP-0198 §5). @returns why not @throws StreamError */
  resume(stream: XmppStream, account: AuthenticatedAccount, request: Element): MaybePromise<Element | undefined>
  /** The session is on its stream, and the client knows its JID. */
  bound(session: StreamPhase): MaybePromise<void>
}

type BoundSession = StreamPhase & { readonly jid: Jid }

export interface AuthenticatedAccount {
  readonly username: string
  readonly mechanism: string
  /** The name is nobody's: it ends with the session. */
  readonly isAnonymous?: boolean
}

export class Negotiation implements StreamPhase, ConnectedSession {
  readonly kind = 'connected'
  readonly #stream: XmppStream
  readonly #server: NegotiationCollaborators
  #certificateUsernames: readonly string[] | undefined
  #environment: SaslEnvironment | undefined
  #sasl: SaslSession | undefined
  #account: AuthenticatedAccount | undefined
  readonly #attempts: LoginAttempts
  #hasFailedSasl = false
  /** The request under way that may log in, and the session it has led to. */
  #request: Iq | undefined
  #session: BoundSession | undefined
  #failedBinds = 0

  /** @param certificateUsernames accounts that the certificate of a connection with direct TLS stands for */
  constructor(stream: XmppStream, server: NegotiationCollaborators, certificateUsernames?: readonly string[]) {
    this.#stream = stream
    this.#server = server
    this.#certificateUsernames = certificateUsernames
    this.#attempts = new LoginAttempts(server, stream.transport.remoteAddress)
    server.connected(this)
  }

  get id(): string {
    return this.#stream.id
  }
  /** `domain/streamId`, with the id that the client was told last (seed 000). */
  get jid(): Jid {
    return Jid.of(undefined, this.#server.domain.domain, this.streamId)
  }
  get streamId(): string {
    return this.#stream.headerId
  }
  get remoteAddress(): string {
    return this.#stream.transport.remoteAddress
  }
  get secure(): boolean {
    return this.#stream.transport.isSecure
  }
  /** For limits on peers that have not authenticated. */
  get stream(): XmppStream {
    return this.#stream
  }
  get hasFailedSasl(): boolean {
    return this.#hasFailedSasl
  }
  get isAuthenticated(): boolean {
    return this.#account !== undefined
  }

  close(condition?: StreamErrorCondition, text?: string): void {
    this.#stream.close(condition && new StreamError(condition, text))
  }

  /** @throws StreamError see-other-host */
  features(): string {
    const { features, limits, mechanisms, tls } = this.#server
    if (this.#account) return BIND_FEATURES + features.offered('after-authentication', this) + limits.after
    const starttls = tls !== 'disabled' && !this.secure ? starttlsFeature(tls).toString() : ''
    if (this.#mustStartTls()) return starttls + limits.before
    this.#mayRedirect()
    const environment = this.#saslEnvironment()
    const sasl = mechanismsFeature(offeredMechanisms(mechanisms(), this.#mayRevealPassword(), environment))
    const bindings = environment.channelBinding ? channelBindingFeature(environment.channelBinding.types).toString() : ''
    return starttls + sasl + bindings + features.offered('before-authentication', this) + limits.before
  }

  element(el: Element): MaybePromise<void> {
    const ns = el.getNS()
    if (ns === NS.tls) return this.#startTls(el)
    if (ns === NS.sasl) return this.#authenticate(el)
    if (ns === NS.streamManagement) return this.#manage(el)
    if (!this.#account) throw new StreamError('not-authorized')
    throw new StreamError('unsupported-stanza-type')
  }

  stanza(stanza: Stanza): MaybePromise<void> {
    if (this.#mustStartTls()) throw new StreamError('policy-violation', 'This server requires TLS: use STARTTLS first.')
    if (this.#account) return this.#beforeBinding(stanza, this.#account)
    if (stanza.kind !== 'iq') throw new StreamError('not-authorized')
    return this.#answerEarly(stanza)
  }

  async logIn({ username, resource, mechanism, verify }: Login): Promise<Jid> {
    const request = this.#request
    if (!request || this.#session) throw new Error('a login belongs to the request that asks for it')
    this.#attempts.assertMayTry()
    const account = prepareUsername(username, this.#server.domain.domain)
    if (!(await verify()) || account === undefined) {
      await this.#attempts.failed('not-authorized', account, mechanism)
      throw new StanzaError('not-authorized')
    }
    this.#attempts.succeeded(account)
    if (this.#request !== request) throw new Error('the request was answered before its login was through')
    this.#session = await this.#server.bind(this.#stream, { username: account, mechanism }, resource)
    return this.#session.jid
  }

  closed(): void {
    this.#server.disconnected(this)
  }

  /** Only when the stream is as safe as it must be: before TLS anybody could send the client anywhere (RFC 6120 §4.9.3.19). */
  #mayRedirect(): void {
    const host = this.#server.redirect()
    if (host !== undefined) throw StreamError.seeOtherHost(host)
  }

  #saslEnvironment(): SaslEnvironment {
    const { domain, credentials } = this.#server.saslEnvironment
    this.#environment ??= {
      domain,
      credentials,
      isSecure: this.secure,
      channelBinding: this.#channelBinding(),
      certificateUsernames: this.#certificateUsernames,
    }
    return this.#environment
  }

  #channelBinding(): SaslChannelBinding | undefined {
    const { channelBindings } = this.#server
    const { tlsSocket } = this.#stream.transport
    const types = tlsSocket && channelBindings?.types(tlsSocket)
    return types?.length ? { types, data: (type) => channelBindings?.data(tlsSocket as TLSSocket, type) } : undefined
  }

  /** XEP-0198: before a resource is bound, a session can be resumed instead. */
  async #manage(el: Element): Promise<void> {
    const failure =
      this.#account && el.getName() === 'resume' ? await this.#server.resume(this.#stream, this.#account, el) : failed('unexpected-request')
    if (failure) this.#stream.send(failure.toString())
    else this.#server.disconnected(this)
  }

  #mustStartTls(): boolean {
    return this.#server.tls === 'required' && !this.secure
  }

  #mayRevealPassword(): boolean {
    return this.secure || this.#server.plainWithoutTls
  }

  async #startTls(el: Element): Promise<void> {
    if (el.getName() !== 'starttls') throw new StreamError('unsupported-stanza-type')
    if (this.#server.tls === 'disabled' || this.secure || this.#account) {
      this.#stream.send(element('failure', { xmlns: NS.tls }).toString())
      this.#stream.close()
      return
    }
    this.#stream.send(element('proceed', { xmlns: NS.tls }).toString())
    this.#sasl = undefined
    this.#environment = undefined
    this.#stream.restart()
    const { transport } = this.#stream
    try {
      await transport.startTls(this.#server.secureContext())
    } catch (error) {
      this.#server.log.info(
        { streamId: this.id, address: this.remoteAddress, error: error instanceof Error ? error.message : error },
        'TLS handshake failed',
      )
      return
    }
    this.#certificateUsernames = await this.#server.certificateUsernames(transport)
  }

  async #authenticate(el: Element): Promise<void> {
    if (this.#account) throw new StreamError('not-authorized', 'This stream has authenticated already.')
    this.#attempts.assertMayTry()
    if (this.#mustStartTls()) return this.#refuseLogin(saslFailureElement('encryption-required'), 'encryption-required', el) // RFC 6120 §6.5.5
    const { log, mechanisms } = this.#server
    const environment = this.#saslEnvironment()
    this.#sasl ??= new SaslSession({ mechanisms: mechanisms(), environment, mayRevealPassword: this.#mayRevealPassword(), log })
    const { reply, authenticated, failed, isNoGuess, username } = await this.#sasl.handle(el)
    if (authenticated) {
      this.#account = authenticated
      if (!authenticated.isAnonymous) this.#attempts.succeeded(authenticated.username)
      this.#sasl = undefined
      this.#stream.send(reply.toString())
      this.#stream.restart()
      return
    }
    if (failed === undefined) this.#stream.send(reply.toString())
    else if (isNoGuess) this.#refuseBinding(reply, failed, el, username)
    else await this.#refuseLogin(reply, failed, el, username)
  }

  /** @throws StreamError after the last try */
  async #refuseLogin(reply: Element, condition: SaslFailureCondition, { attrs }: Element, username?: string): Promise<void> {
    this.#hasFailedSasl = true
    await this.#attempts.failed(condition, username, attrs.mechanism)
    this.#stream.send(reply.toString())
    this.#attempts.assertTriesLeft()
  }

  /** Some clients try a channel binding that the connection does not have, before they log in without. @throws StreamError after the last try */
  #refuseBinding(reply: Element, condition: SaslFailureCondition, { attrs }: Element, username: string | undefined): void {
    this.#attempts.mistaken(condition, username, attrs.mechanism)
    this.#stream.send(reply.toString())
    this.#attempts.assertTriesLeft()
  }

  #beforeBinding(stanza: Stanza, account: AuthenticatedAccount): MaybePromise<void> {
    if (stanza.kind !== 'iq' || stanza.payload?.getNS() !== NS.bind) {
      // RFC 6120 §7.1: nothing but binding may come before it.
      throw new StreamError('not-authorized', 'Bind a resource first.')
    }
    return this.#bind(stanza, account)
  }

  async #bind(request: Iq, account: AuthenticatedAccount): Promise<void> {
    let session: BoundSession | undefined
    await this.#answer(request, async () => {
      if (request.type !== 'set') throw new StanzaError('bad-request')
      const wanted = request.payload?.getChild('resource')?.getText()
      session = await this.#server.bind(this.#stream, account, wanted || undefined)
      return element('bind', { xmlns: NS.bind }, element('jid', {}, session.jid.toString()))
    })
    if (!session) {
      if (++this.#failedBinds >= MAX_FAILED_BINDS) throw new StreamError('policy-violation', 'Too many failed tries to bind a resource.')
      return
    }
    await this.#hand(session)
  }

  /** Answers a request that comes before authentication; it may be a login. */
  async #answerEarly(request: Iq): Promise<void> {
    this.#request = request
    await this.#answer(request, () => this.#server.preAuthIq(request, this))
    this.#request = undefined
    if (this.#session) await this.#hand(this.#session)
    else this.#attempts.assertTriesLeft()
  }

  /** The stream is the session's from now on. */
  async #hand(session: BoundSession): Promise<void> {
    this.#stream.enter(session)
    this.#server.disconnected(this)
    await this.#server.bound(session)
  }

  /** Every request gets exactly one answer (RFC 6120 §8.2.3), addressed to `domain/streamId` while there is no account. */
  async #answer(request: Iq, answer: () => MaybePromise<Element | undefined>): Promise<void> {
    if (!request.isRequest) return
    try {
      const payload = await answer()
      const to = this.#session?.jid ?? (this.#account ? undefined : this.jid)
      this.#stream.send(iq({ type: 'result', id: request.id, to }, payload).toString())
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      request.from = this.#account ? undefined : this.jid
      request.to = undefined
      this.#stream.send(String(errorReply(request, error) ?? ''))
    }
  }
}
