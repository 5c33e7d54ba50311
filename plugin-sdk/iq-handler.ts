/** Handlers of iq requests addressed to the server or to accounts on it, found by payload namespace (RFC 6120 §8.2.3). */
import type { Element } from './element.js'
import type { Jid } from './jid.js'
import type { MaybePromise } from './maybe-promise.js'
import type { ClientSession, ConnectedSession, Session } from './session.js'
import type { Iq } from './stanza.js'

/** Whom a request may be addressed to: the server's domain, the sender's own account (or no `to`), another local account's bare JID. */
export type IqTarget = 'server' | 'own-account' | 'other-account'

export interface IqRequest {
  readonly iq: Iq
  /** The payload element, which belongs to the handler. */
  readonly payload: Element
  /** Who asks; kind `client` unless the request came from elsewhere. */
  readonly session: Session
  readonly target: IqTarget
  /** Bare JID of the account addressed; undefined for `server`. */
  readonly account: Jid | undefined
  hold(durable: Promise<unknown>): void
  /**
   * Hands over the result before the handler goes on, for what has to reach the asker after it, such as a roster push. What the handler
   * returns or throws later is not told any more.
   * @param content payload of the result; none for an empty result
   */
  answer(content?: Element): MaybePromise<void>
}

export interface IqHandler {
  readonly namespace: string
  /** Local name of the payload; any unless given. */
  readonly element?: string
  /** Both unless given. */
  readonly type?: 'get' | 'set'
  /** `server` and `own-account` unless given. */
  readonly targets?: readonly IqTarget[]
  /**
   * @returns the payload of the result, or nothing for an empty result
   * @throws StanzaError, which core turns into the error reply
   */
  handle(request: IqRequest): MaybePromise<Element | undefined | void>
}

export interface PreAuthIqRequest {
  readonly iq: Iq
  readonly payload: Element
  readonly session: ConnectedSession
}

/** Handler of a namespace that is answered before authentication: `jabber:iq:register`, `jabber:iq:auth`. */
export interface PreAuthIqHandler {
  readonly namespace: string
  handle(request: PreAuthIqRequest): MaybePromise<Element | undefined | void>
}

/** True for the session of a logged-in client, whose presence and delivery can then be used. */
export function isClientSession(session: Session): session is ClientSession {
  return session.kind === 'client'
}
