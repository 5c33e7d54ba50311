/**
 * Hooks: typed facts that core tells plugins. A hook that returns a verdict is asked in plugin order until one says
 * `handled`; the others are told to every plugin. A hook that throws a StanzaError answers the sender; anything else it
 * throws is logged with the plugin's name, counts as `pass`, and the next plugin is asked.
 */
import type { Element } from './element.js'
import type { Jid } from './jid.js'
import type { MaybePromise } from './maybe-promise.js'
import type { ClientSession, Session } from './session.js'
import type { Message, Presence, Stanza } from './stanza.js'

export type Verdict = 'handled' | 'pass'

/** Lets a hook hold the acknowledgement of the stanza being worked on; see `Crossing.hold`. */
export interface Holder {
  hold(durable: Promise<unknown>): void
}

export interface MessageUndelivered extends Holder {
  readonly message: Message
  /** Bare JID of a registered local user. */
  readonly recipient: Jid
  /** Session whose stanza this was. */
  readonly origin: Session
  /**
   * It was accepted before, and comes back from a session that ended without having acknowledged it. Its sender may have been told that
   * it is safe, and may be gone: whoever keeps messages keeps this one whatever there is room for.
   */
  readonly isGivenBack: boolean
}

export interface PresenceSent {
  /** Presence as the client sent it, `from` stamped with its full JID. */
  readonly presence: Presence
  readonly session: ClientSession
}

export interface PresenceReceived {
  /** Presence to a local account, before it is delivered. May be rewritten. */
  readonly presence: Presence
  /** `presence.to`: bare or full JID of a registered local user. */
  readonly recipient: Jid
  readonly origin: Session
}

export interface ResourceAvailable {
  readonly session: ClientSession
  /** True for the first available presence of the session. */
  readonly initial: boolean
  /** Priority before; undefined when the resource was not available. */
  readonly previousPriority: number | undefined
}

export interface KeptMessagesDue {
  /** Available, with a priority that is not negative, for the first time or again. */
  readonly session: ClientSession
}

export interface SessionClosed {
  readonly session: ClientSession
  /** True when the client said nothing before: connection lost, idle, killed. */
  readonly abrupt: boolean
}

export interface UserRegistered {
  /** Bare JID of the new account. */
  readonly user: Jid
  /** The whole `<query xmlns='jabber:iq:register'/>`, with child elements nobody knows, such as seed 000's `<imei/>`. */
  readonly form: Element
  readonly remoteAddress: string
}

export interface StanzaArrived {
  /** For a local account, from somebody else; `from` is set. Not to be changed. */
  readonly stanza: Stanza
  /** `stanza.to`: bare or full JID of an account here, which may not exist. */
  readonly recipient: Jid
  /** Session whose stanza this was. */
  readonly origin: Session
}

export interface ServerAddressed extends Holder {
  /** A message or presence to the server's domain, or to a resource of it; it has passed the incoming chain. */
  readonly stanza: Message | Presence
  /** Session whose stanza this was. */
  readonly origin: Session
}

/** Every hook with what it is given. Verdict hooks stop at `handled`. */
export interface Hooks {
  /**
   * A stanza came for a local account, before anything else is decided about it: the first delivery rule (XEP-0016 §2.2). `handled`: it is
   * refused in silence; a StanzaError is told to the sender. What is delivered past routing, such as a presence broadcast among accounts
   * here, is not asked about: that passes the outgoing chain alone.
   */
  stanzaArrived(fact: StanzaArrived): MaybePromise<Verdict>
  /**
   * A message or presence is for the server itself. `handled`: it was taken. All `pass`: a message is refused with `service-unavailable`,
   * presence is ignored. A StanzaError is told to the sender.
   */
  serverAddressed(fact: ServerAddressed): MaybePromise<Verdict>
  /** No resource took this message (RFC 6121 §8.5). `handled`: kept or dropped on purpose; all `pass`: core bounces or drops it as the RFC says. */
  messageUndelivered(fact: MessageUndelivered): MaybePromise<Verdict>
  /** A client sent presence (RFC 6121 §4, §3): asked before routing. `handled`: do not route it. Without `to` it is never routed. */
  presenceSent(fact: PresenceSent): MaybePromise<Verdict>
  /** Presence arrived for a local account, from here or elsewhere. `handled`: do not deliver it. */
  presenceReceived(fact: PresenceReceived): MaybePromise<Verdict>

  /** All plugins run, and no listener accepts yet: the server waits for it. */
  pluginsStarted(fact: Readonly<Record<string, never>>): MaybePromise<void>

  /** A resource was bound. */
  sessionOpened(fact: { readonly session: ClientSession }): MaybePromise<void>
  /** The session marked itself available, or changed its priority, through `setPresence`. */
  resourceAvailable(fact: ResourceAvailable): MaybePromise<void>
  /**
   * The resource can get messages now, after all of `resourceAvailable` was told: hand over what was kept for it. Live messages
   * to it wait, up to a few seconds, so that they do not overtake kept ones; what comes later than that is
   * `messageUndelivered`, and this hook is told again.
   */
  keptMessagesDue(fact: KeptMessagesDue): MaybePromise<void>
  /** The resource became unavailable; `presence` is what it had. Fires before `sessionClosed` when the session ends available. */
  resourceUnavailable(fact: { readonly session: ClientSession; readonly presence: Presence }): MaybePromise<void>
  /**
   * After `sessionClosed`: what the client had not acknowledged (XEP-0198) has gone to other resources, to offline storage or back to
   * its sender, and that is durable. `isComplete` is false when some of it could not be stored for too long, of which its senders know.
   */
  unacknowledgedReturned(fact: { readonly session: ClientSession; readonly isComplete: boolean }): MaybePromise<void>
  /** The session has ended and is no longer in the registry. */
  sessionClosed(fact: SessionClosed): MaybePromise<void>

  /** An account exists now, whoever made it. */
  userCreated(fact: { readonly user: Jid }): MaybePromise<void>
  /** An account was made by in-band registration. */
  userRegistered(fact: UserRegistered): MaybePromise<void>
  /** An account is about to be removed; its sessions are still there. Remove what the plugin keeps for it. */
  userDeleted(fact: { readonly user: Jid }): MaybePromise<void>
}

export type HookName = keyof Hooks
