/** Takes every stanza one way: check, stamp, incoming chain, then to whom it is for (RFC 6120 §10, RFC 6121 §8). */
import {
  type Accounts,
  errorReply,
  type Iq,
  isPromise,
  type Jid,
  type Logger,
  type MaybePromise,
  type Message,
  type PacketRejected,
  type Presence,
  type Session,
  type Stanza,
  StanzaError,
  whenDone,
} from '@beaconfire/plugin-sdk'
import type { RemoteRoutes } from '../delivery/remote-routes.js'
import type { Origin } from '../pipeline/crossing.js'
import type { HookRegistry } from '../pipeline/hooks.js'
import type { InterceptorChain } from '../pipeline/interceptor-chain.js'
import type { PinnedTables } from '../pipeline/pinned-tables.js'
import type { ClientSession } from '../session/client-session.js'
import type { IqDispatcher } from './iq-dispatcher.js'
import type { LocalDelivery } from './local-delivery.js'
import type { PluginDomains } from './plugin-domains.js'
import { assertOwnFrom, faultOf } from './stanza-rules.js'

export interface RouterCollaborators {
  readonly domain: Jid
  readonly internal: Origin
  readonly chain: InterceptorChain
  readonly hooks: HookRegistry
  readonly iq: IqDispatcher
  readonly local: LocalDelivery
  readonly domains: PluginDomains
  readonly remoteRoutes: RemoteRoutes
  readonly accounts: Pick<Accounts, 'exists'>
  /** Those of `chain`, `hooks`, `iq` and `domains`. */
  readonly tables: PinnedTables
  readonly log: Logger
}

export class PacketRouter {
  readonly #server: RouterCollaborators

  constructor(server: RouterCollaborators) {
    this.#server = server
  }

  /** A stanza came from a client. @throws StreamError when it speaks for someone else */
  receive(packet: Stanza, session: ClientSession): MaybePromise<void> {
    assertOwnFrom(packet, session)
    packet.from = session.jid
    packet.lang ??= session.lang
    const fault = faultOf(packet)
    if (fault) return this.#refuse(packet, fault, session)
    // An answer from the server tells the client that what it sent before has been taken: it waits until that is durable.
    const durable = packet.kind === 'iq' ? session.whenDurable() : undefined
    return durable ? durable.then(() => this.#throughChain(packet, session)) : this.#throughChain(packet, session)
  }

  /** A stanza of the server's own, or of a plugin: the whole way, as from a session of kind `internal`. */
  send(packet: Stanza): MaybePromise<void> {
    const { internal } = this.#server
    packet.from ??= internal.jid
    return this.#throughChain(packet, internal)
  }

  /** Routes without the incoming chain, for a consequence of a stanza that has passed it. */
  readonly route = (packet: Stanza, origin: Origin = this.#server.internal): MaybePromise<void> => {
    const done = this.#route(packet, origin)
    return isPromise(done) ? this.#server.tables.pin(packet, done) : done
  }

  #route(packet: Stanza, origin: Origin): MaybePromise<void> {
    try {
      const routed = this.#dispatch(packet, origin)
      return isPromise(routed) ? routed.catch((error: unknown) => this.#failed(packet, error, origin)) : routed
    } catch (error) {
      return this.#failed(packet, error, origin)
    }
  }

  /** Hands a message to a local account, or to who keeps it for them. @throws StanzaError when it reaches nobody */
  toAccount(message: Message, account: Jid, origin: Origin): MaybePromise<void> {
    const done = this.#server.local.message(message, account, origin)
    return isPromise(done) ? this.#server.tables.pin(message, done) : done
  }

  #throughChain(packet: Stanza, origin: Origin): MaybePromise<void> {
    const done = this.#server.chain.around(true, packet, origin, origin, packet, this.#act, this.#onRejected)
    return isPromise(done) ? done.then(() => {}) : undefined
  }

  readonly #act = (packet: Stanza, _session: Session, origin: Origin): MaybePromise<boolean> => {
    const routed = packet.kind === 'presence' && origin.kind === 'client' ? this.#presenceSent(packet, origin) : this.#route(packet, origin)
    return isPromise(routed) ? routed.then(() => true) : true
  }

  readonly #onRejected = (rejection: PacketRejected, packet: Stanza, session: Session): MaybePromise<void> => {
    this.#server.log.info(
      { jid: session.jid.toString(), stanzaId: packet.id, condition: rejection.condition, silent: rejection.silent },
      'an interceptor rejected a stanza',
    )
    if (rejection.silent) return
    const { condition, text, type, extension } = rejection
    return this.#refuse(packet, new StanzaError(condition, { text, type, extension }), session as Origin)
  }

  /** Plugins first: what presence means is theirs. What they pass and has an addressee is routed. */
  #presenceSent(presence: Presence, origin: Origin): MaybePromise<void> {
    const session = origin as ClientSession
    try {
      const verdict = whenDone(this.#server.hooks.ask('presenceSent', { presence, session }), (said) => {
        if (said === 'pass' && presence.to) return this.#route(presence, origin)
      })
      return isPromise(verdict) ? verdict.catch((error: unknown) => this.#failed(presence, error, origin)) : verdict
    } catch (error) {
      return this.#failed(presence, error, origin)
    }
  }

  #dispatch(packet: Stanza, origin: Origin): MaybePromise<void> {
    const to = packet.to ?? origin.jid.bare()
    if (to.domain !== this.#server.domain.domain) return this.#elsewhere(packet, to, origin)
    const { from } = packet
    if (to.local === '' || !from || from.bare().equals(to.bare())) return this.#here(packet, to, origin)
    const verdict = this.#server.hooks.ask('stanzaArrived', { stanza: packet, recipient: to, origin })
    if (verdict === 'pass') return this.#here(packet, to, origin)
    return whenDone(verdict, (said) => (said === 'handled' ? undefined : this.#here(packet, to, origin)))
  }

  /** For the server itself, or an account here. */
  #here(packet: Stanza, to: Jid, origin: Origin): MaybePromise<void> {
    switch (packet.kind) {
      case 'message':
        return to.local === '' ? this.#toServer(packet, origin) : this.#server.local.message(packet, to, origin)
      case 'presence':
        return to.local === '' ? this.#toServer(packet, origin) : this.#server.local.presence(packet, to, origin)
      case 'iq':
        return this.#iq(packet, to, origin)
    }
  }

  #toServer(stanza: Message | Presence, origin: Origin): MaybePromise<void> {
    const verdict = this.#server.hooks.ask('serverAddressed', { stanza, origin, hold: (durable) => origin.hold(durable) })
    return whenDone(verdict, (said) => {
      if (said === 'pass' && stanza.kind === 'message') return this.#refuse(stanza, new StanzaError('service-unavailable'), origin)
    })
  }

  #iq(iq: Iq, to: Jid, origin: Origin): MaybePromise<void> {
    if (to.local !== '' && to.resource !== '') {
      const session = this.#server.local.session(to)
      const handed = session ? session.deliver(iq, origin) : false
      return whenDone(handed, (taken) => (taken || session?.isOpen ? undefined : this.#refuse(iq, new StanzaError('service-unavailable'), origin)))
    }
    if (!iq.isRequest) return // an answer to something the server asked: nobody waits for it here
    if (to.local === '') return this.#answer(iq, 'server', origin)
    if (to.equals(origin.jid.bare())) return this.#answer(iq, 'own-account', origin)
    return whenDone(this.#server.accounts.exists(to.local), (exists) =>
      exists ? this.#answer(iq, 'other-account', origin) : this.#refuse(iq, new StanzaError('service-unavailable'), origin),
    )
  }

  #answer(iq: Iq, target: 'server' | 'own-account' | 'other-account', origin: Origin): MaybePromise<void> {
    const answered = this.#server.iq.dispatch(iq, origin, target, (result) => this.#reply(result, iq, origin))
    return whenDone(answered, (answer) => {
      if (answer instanceof StanzaError) return this.#refuse(iq, answer, origin)
      if (answer) return this.#reply(answer, iq, origin)
    })
  }

  /** A domain that a plugin answers, or another server's. */
  #elsewhere(packet: Stanza, to: Jid, origin: Origin): MaybePromise<void> {
    const { domains } = this.#server
    const domain = domains.find(to, packet)
    if (!domain) return this.#toRemote(packet, to, origin)
    return whenDone(domains.take(packet, to, origin, domain), (answer) => {
      if (answer instanceof StanzaError) return this.#refuse(packet, answer, origin)
      if (answer) return this.#reply(answer, packet, origin)
    })
  }

  #toRemote(packet: Stanza, to: Jid, origin: Origin): MaybePromise<void> {
    const { remoteRoutes } = this.#server
    if (remoteRoutes.isEmpty) return this.#refuse(packet, new StanzaError('remote-server-not-found'), origin)
    return remoteRoutes
      .route(packet, to, origin)
      .then((taken) => (taken ? undefined : this.#refuse(packet, new StanzaError('remote-server-not-found'), origin)))
  }

  /** Answers with an error, where an answer is allowed (RFC 6120 §8.3.1). */
  #refuse(packet: Stanza, error: StanzaError, origin: Origin): MaybePromise<void> {
    const reply = errorReply(packet, error)
    if (reply) return this.#reply(reply, packet, origin)
  }

  /** Back to who sent `packet`: straight to its session when it is a client here. */
  #reply(reply: Stanza, packet: Stanza, origin: Origin): MaybePromise<void> {
    this.#server.tables.adopt(reply, packet)
    if (origin.kind !== 'client') return origin.kind === 'internal' ? undefined : this.route(reply)
    return whenDone((origin as ClientSession).deliver(reply, origin), () => {})
  }

  #failed(packet: Stanza, error: unknown, origin: Origin): MaybePromise<void> {
    if (error instanceof StanzaError) return this.#refuse(packet, error, origin)
    this.#server.log.error({ jid: origin.jid.toString(), stanzaId: packet.id, error }, 'routing a stanza failed')
    return this.#refuse(packet, new StanzaError('internal-server-error', { type: 'wait' }), origin)
  }
}
