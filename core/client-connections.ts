/** The client side of the server (c2s): joins streams, login, binding and sessions, and carries them from accept to end. */
import { type Element, isPromise, Jid, type Logger, StanzaError } from '@beaconfire/plugin-sdk'
import type { AccountStore } from './auth/account-store.js'
import { ClientCertificates } from './auth/client-certificates.js'
import { ANONYMOUS, enabledMechanisms } from './auth/enabled-mechanisms.js'
import { LoginThrottle } from './auth/login-throttle.js'
import type { ServerConfig } from './config/server-config.js'
import type { Delivery } from './delivery/delivery.js'
import type { InternalSession } from './internal-session.js'
import { ChannelBindings } from './net/tls-channel-binding.js'
import type { LoadedTls } from './net/tls-context.js'
import type { Transport } from './net/transport.js'
import type { HookRegistry } from './pipeline/hooks.js'
import type { GiveBack } from './router/give-back.js'
import type { IqDispatcher } from './router/iq-dispatcher.js'
import type { PacketRouter } from './router/packet-router.js'
import { UnacknowledgedReturns } from './router/unacknowledged-returns.js'
import type { AnonymousUsers } from './session/anonymous-users.js'
import { Availability } from './session/availability.js'
import { ClientSession, type SessionCollaborators } from './session/client-session.js'
import { settleFullJid } from './session/resource-binding.js'
import { Resumptions } from './session/resumptions.js'
import type { SessionRegistry } from './session/session-registry.js'
import type { Unacknowledged } from './session/stream-management.js'
import { ClientStreams } from './stream/client-streams.js'
import { failed } from './stream/management-elements.js'
import type { AuthenticatedAccount, Negotiation, NegotiationCollaborators } from './stream/negotiation.js'
import { StreamError } from './stream/stream-error.js'
import { limitsFeature, type StreamFeatureRegistry } from './stream/stream-features.js'
import type { XmppStream } from './stream/xmpp-stream.js'

export interface ClientConnectionsParts {
  readonly config: ServerConfig
  readonly domain: Jid
  readonly log: Logger
  readonly accounts: AccountStore
  readonly sessions: SessionRegistry<ClientSession, Negotiation>
  readonly hooks: HookRegistry
  readonly iq: IqDispatcher
  readonly router: PacketRouter
  readonly delivery: Delivery
  readonly internal: InternalSession
  readonly giveBack: GiveBack
  readonly streamFeatures: StreamFeatureRegistry
  /** Undefined where TLS is switched off. */
  readonly tls: LoadedTls | undefined
  /** Undefined where nobody logs in anonymously. */
  readonly anonymous: AnonymousUsers | undefined
}

/** How often accounts of a foreign database are looked at again for keys of SCRAM-SHA-256, in ms. */
const KEYS_CHECK_MS = 60_000

/** How long a stop waits for what plugins do about the end of sessions, in ms: the rest has to be flushed within the time it has. */
const ENDINGS_LIMIT_MS = 2000

export class ClientConnections {
  readonly #parts: ClientConnectionsParts
  readonly #availability: Availability
  readonly #streams: ClientStreams
  readonly #collaborators: SessionCollaborators
  readonly #resumptions = new Resumptions<ClientSession>()
  readonly #returns: UnacknowledgedReturns
  /** What still goes on for sessions that have ended. */
  readonly #endings = new Set<Promise<void>>()
  /** Undefined where clients are not asked for certificates. */
  readonly #certificates: ClientCertificates | undefined
  #isStopped = false
  #hasSha256KeysForAll = true
  #keysTimer: NodeJS.Timeout | undefined

  constructor(parts: ClientConnectionsParts) {
    const { config, hooks, log, router, delivery, domain } = parts
    this.#parts = parts
    this.#availability = new Availability(hooks, log)
    this.#returns = new UnacknowledgedReturns(parts.giveBack, log)
    this.#collaborators = {
      log,
      outboundBytes: config.limits.outboundBytes,
      internal: parts.internal,
      management: {
        domain,
        log,
        resumptions: this.#resumptions,
        ...config.streamManagement,
        location: config.streamManagement.location,
        outboundBytes: config.limits.outboundBytes,
      },
      receive: (stanza, session) => router.receive(stanza, session),
      deliver: (stanza, session, origin) => delivery.deliver(stanza, session, origin),
      elementHandler: (el) => parts.streamFeatures.handlerOf(el),
      availabilityChanged: (session, before) => this.#availability.changed(session, before),
      ended: (session, abrupt, left) => this.#ended(session, abrupt, left),
    }
    const { c2s, limits } = config
    if (c2s.tlsClientCa !== undefined) {
      this.#certificates = new ClientCertificates({ domain: domain.domain, accounts: parts.accounts, byEmail: c2s.clientCertificateEmail, log })
    }
    this.#streams = new ClientStreams({ domain: domain.domain, acceptAnyHost: c2s.acceptAnyHost, limits, log }, this.#negotiation(), {
      ...limits,
      acknowledgementSeconds: config.streamManagement.acknowledgementSeconds,
      rates: limits.enabled ? limits : undefined,
    })
  }

  get count(): number {
    return this.#streams.count
  }

  /** Sessions that wait for their client to come back (XEP-0198). */
  get waitingCount(): number {
    return this.#resumptions.waiting
  }

  /** Learns which mechanisms every account can use: one that some cannot is not offered, since a client tries the first alone. */
  async start(): Promise<void> {
    await this.#checkKeys()
    if (this.#hasSha256KeysForAll) return
    this.#keysTimer = setInterval(
      () => void this.#checkKeys().catch((error: unknown) => this.#parts.log.warn({ error }, 'keys could not be looked at')),
      KEYS_CHECK_MS,
    )
    this.#keysTimer.unref()
  }

  accept(transport: Transport): void {
    const usernames = this.#certificates?.usernames(transport) // of a connection with direct TLS: the others show theirs later
    if (isPromise(usernames)) void this.#acceptLate(transport, usernames)
    else this.#streams.accept(transport, usernames)
  }

  async #acceptLate(transport: Transport, usernames: Promise<readonly string[]>): Promise<void> {
    try {
      const found = await usernames
      if (this.#isStopped) transport.destroy()
      else this.#streams.accept(transport, found)
    } catch (error) {
      this.#parts.log.error({ address: transport.remoteAddress, error }, 'a connection could not be taken over')
      transport.destroy()
    }
  }

  /** Ends every stream with `system-shutdown`; resolves when what that causes is done, or takes longer than the others may wait. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#keysTimer)
    this.#returns.stop()
    this.#streams.close()
    this.#resumptions.close()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, ENDINGS_LIMIT_MS, 'late')
    })
    while (this.#endings.size > 0) {
      if ((await Promise.race([Promise.all(this.#endings), late])) !== 'late') continue
      this.#parts.log.error({ sessions: this.#endings.size }, 'plugins took too long over the end of sessions')
      break
    }
    clearTimeout(timer)
  }

  /** Lets go of connections whose peers have not closed them. */
  destroy(): void {
    this.#streams.destroy()
  }

  async #checkKeys(): Promise<void> {
    this.#hasSha256KeysForAll = await this.#parts.accounts.credentials.hasKeysForAll('SCRAM-SHA-256')
    if (this.#hasSha256KeysForAll) clearInterval(this.#keysTimer)
  }

  #negotiation(): NegotiationCollaborators {
    const { accounts, config, domain, hooks, iq, log, sessions, streamFeatures, tls } = this.#parts
    const { c2s, limits } = config
    const [all, everybodys] = [enabledMechanisms(c2s, true), enabledMechanisms(c2s, false)]
    return {
      domain,
      tls: c2s.tls,
      plainWithoutTls: c2s.plainWithoutTls,
      mechanisms: () => (this.#hasSha256KeysForAll ? all : everybodys),
      saslEnvironment: { domain: domain.domain, credentials: accounts.credentials },
      channelBindings: tls && c2s.channelBinding ? new ChannelBindings(tls.certificatePem) : undefined,
      certificateUsernames: (transport) => this.#certificates?.usernames(transport),
      limits: {
        before: limitsFeature({
          maxBytes: Math.min(limits.stanzaBytes, limits.preAuthenticationBytes),
          idleSeconds: limits.preAuthenticationSeconds,
        }).toString(),
        after: limitsFeature({ maxBytes: limits.stanzaBytes, idleSeconds: limits.idleSeconds }).toString(),
      },
      redirect: () => c2s.seeOtherHost,
      throttle: new LoginThrottle({ enabled: limits.enabled }),
      features: streamFeatures,
      log,
      secureContext: () => {
        if (!tls) throw new Error('TLS is switched off')
        return tls.context
      },
      connected: (it) => sessions.addConnected(it),
      disconnected: (it) => sessions.removeConnected(it),
      preAuthIq: (request, session) => iq.dispatchPreAuth(request, session),
      bind: (stream, account, resource) => this.#bind(stream, account, resource),
      resume: (stream, account, request) => this.#resume(stream, account, request),
      bound: (session) => hooks.tell('sessionOpened', { session: session as ClientSession }),
    }
  }

  async #bind(stream: XmppStream, account: AuthenticatedAccount, resource: string | undefined): Promise<ClientSession> {
    const { anonymous, config, domain, sessions } = this.#parts
    if (!account.isAnonymous) await this.#assertUsable(account)
    if (!stream.isOpen) throw new StanzaError('not-allowed', { text: 'The stream has ended.' })
    const jid = settleFullJid(Jid.of(account.username, domain.domain), resource, sessions, config.c2s.resourceConflict)
    const session = new ClientSession(stream, jid, account.mechanism, this.#collaborators)
    sessions.add(session)
    if (account.isAnonymous) anonymous?.add(account.username)
    return session
  }

  /** It may have been removed or disabled since it logged in, when it had no session yet that could have been closed. @throws StreamError */
  async #assertUsable({ username }: AuthenticatedAccount): Promise<void> {
    const { accounts } = this.#parts
    if (accounts.credentials.wasUsable(username)) return
    const found = await accounts.find(username)
    if (!found || found.disabled) throw new StreamError('not-authorized', 'This account may not be used any more.')
  }

  /** What plugins noted of an anonymous user goes with it (XEP-0175 §2). */
  async #forgetAnonymous({ jid, mechanism }: ClientSession): Promise<void> {
    const { anonymous, hooks } = this.#parts
    if (mechanism !== ANONYMOUS || !anonymous) return
    await hooks.tell('userDeleted', { user: jid.bare() })
    anonymous.remove(jid.local)
  }

  /** @returns `<failed/>`, or nothing when the stream has its session */
  async #resume(stream: XmppStream, account: AuthenticatedAccount, request: Element): Promise<Element | undefined> {
    const { previd, h } = request.attrs as { readonly previd?: string; readonly h?: string }
    if (!previd || h === undefined) return failed('bad-request')
    if (this.#parts.config.streamManagement.resumeSeconds === 0) return failed('feature-not-implemented')
    if (!account.isAnonymous) await this.#assertUsable(account)
    const { username } = account
    const session = this.#resumptions.find(previd, username)
    if (await session?.resume(stream, h)) return undefined
    return failed('item-not-found', this.#resumptions.handledBefore(previd, username))
  }

  #ended(session: ClientSession, abrupt: boolean, left: readonly Unacknowledged[]): void {
    const { log, sessions } = this.#parts
    sessions.remove(session)
    const ending = this.#availability
      .ended(session, abrupt)
      .finally(() => this.#forgetAnonymous(session))
      .catch((error: unknown) => log.error({ jid: session.jid.toString(), error }, 'ending a session failed'))
      .then(() => (session.acknowledges ? this.#giveBack(session, left) : undefined))
      .finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }

  async #giveBack(session: ClientSession, left: readonly Unacknowledged[]): Promise<void> {
    const { hooks, log } = this.#parts
    try {
      await hooks.tell('unacknowledgedReturned', { session, isComplete: await this.#returns.all(left, session.jid) })
    } catch (error) {
      log.error({ jid: session.jid.toString(), error }, 'giving back what a session had not acknowledged failed')
    }
  }
}
