/** Sessions as plugins see them: who sent a stanza, and who is about to get one. */
import type { Jid } from './jid.js'
import type { MaybePromise } from './maybe-promise.js'
import type { OutgoingGate } from './outgoing-gate.js'
import type { Presence, Stanza } from './stanza.js'

export type SessionKind = 'client' | 'server' | 'component' | 'internal'

/** RFC 6120 §4.9.3. */
export type StreamErrorCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'see-other-host'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-feature'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

/** What every origin or target of a stanza has. Never null in an interceptor (design §2). */
export interface Session {
  readonly kind: SessionKind
  /** Stream id; unique in this process. */
  readonly id: string
  /** Full JID of a client, domain of a server or component, the server's domain for `internal`. */
  readonly jid: Jid
  /** Peer's address, '' for `internal`. */
  readonly remoteAddress: string
  /** True when the stream is encrypted, or never left the process. */
  readonly secure: boolean
}

/** A client that has authenticated and bound a resource: a connected resource (RFC 6121 §1.4). */
export interface ClientSession extends Session {
  readonly kind: 'client'
  readonly connectedAt: Date
  /** SASL mechanism the client logged in with. */
  readonly mechanism: string
  /** The last available presence the client broadcast; undefined while it is not available. */
  readonly presence: Presence | undefined
  /** True once initial presence was sent, until unavailable presence or the end of the session. */
  readonly isAvailable: boolean
  /** Priority of {@link presence}, -128..127; 0 while there is none. */
  readonly priority: number
  /** True until the session has ended; a session that waits for its client to come back (XEP-0198) is open. */
  readonly isOpen: boolean

  /**
   * Hands a stanza to this client, inside the outgoing chain: OUT-pre, write, OUT-post.
   * The stanza is written in order of calls. Nothing is thrown for a session that has ended: it reports `false`.
   * @param origin session whose stanza caused this one; ack holds made on the way are its holds
   * @returns false when it was not handed over: rejected at OUT-pre, or the session has ended
   */
  deliver(stanza: Stanza, origin?: Session): MaybePromise<boolean>

  /**
   * Resolves when everything delivered so far was written to the peer's socket, or acknowledged where XEP-0198 is on.
   * Delete a stored copy only after it (design §5).
   * @throws SessionEnded when the session ended before
   */
  whenFlushed(): Promise<void>

  /**
   * How much was handed to this session, and how much of that has arrived: written to the peer's socket, or acknowledged where XEP-0198
   * is on. What was handed over when the first had some value is there when the second has reached it. Both only grow.
   */
  readonly handedOver: number
  readonly arrived: number
  /** True once the client has enabled XEP-0198. What it leaves unacknowledged core gives back, and tells by `unacknowledgedReturned`. */
  readonly acknowledges: boolean

  /** For the presence plugin: marks the resource available or, with undefined, unavailable. Core then fires the hooks. */
  setPresence(presence: Presence | undefined): MaybePromise<void>

  /** Keeps back what can wait; undefined for nearly all sessions. Take away a gate only when it is your own. */
  gate: OutgoingGate | undefined
  /** Writes a stanza that the gate has withheld. */
  release(stanza: Stanza): void

  /** Ends the stream, with a stream error when a condition is given. */
  close(condition?: StreamErrorCondition, text?: string): void
}

/** The session ended before what was asked of it happened. */
export class SessionEnded extends Error {
  override readonly name = 'SessionEnded'
}

/** A login that is not by SASL. */
export interface Login {
  /** As the client gave it. */
  readonly username: string
  /** As the client gave it; the server's resource conflict policy holds. */
  readonly resource: string
  /** What the session is said to have logged in with. */
  readonly mechanism: string
  /** True when the client has proven who it is, and the account may log in. Takes the same time for an unknown user. */
  verify(): Promise<boolean>
}

/** A stream that has not authenticated yet. Its address is `domain/streamId` (seed 000). */
export interface ConnectedSession {
  readonly kind: 'connected'
  readonly id: string
  readonly jid: Jid
  readonly remoteAddress: string
  readonly secure: boolean
  /** `id` of the last stream header: what the client knows. */
  readonly streamId: string
  /** True when a login by SASL has failed on this connection. */
  readonly hasFailedSasl: boolean
  /**
   * Logs the client in and binds a resource, as SASL and binding would, throttled with them: to be called by a `PreAuthIqHandler`,
   * once for its request. When the handler returns, its answer goes to the new full JID, and the stream carries that session.
   * @returns the full JID
   * @throws StanzaError not-authorized, bad-request for what can be no resource, conflict, resource-constraint
   */
  logIn(login: Login): Promise<Jid>
  close(condition?: StreamErrorCondition, text?: string): void
}

/** The client sessions of this server. */
export interface Sessions {
  /** The session bound to this full JID. */
  get(fullJid: Jid): ClientSession | undefined
  /** Sessions of the user of this JID, in order of binding; the same array until one comes or goes. */
  ofUser(jid: Jid): readonly ClientSession[]
  all(): IterableIterator<ClientSession>
  readonly count: number
}
