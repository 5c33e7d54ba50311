/** A subdomain that a plugin answers: every stanza to it, or to an address at it, is the plugin's. */
import type { Element } from './element.js'
import type { Holder } from './hooks.js'
import type { Jid } from './jid.js'
import type { MaybePromise } from './maybe-promise.js'
import type { Session } from './session.js'
import type { Stanza } from './stanza.js'

export interface DomainStanza extends Holder {
  /** Has passed the incoming chain; `from` is stamped. */
  readonly stanza: Stanza
  /** `stanza.to`: the domain, or an address at it. */
  readonly to: Jid
  /** Whose stanza this is; kind `client` for one of this server's users. */
  readonly session: Session
}

export interface PluginDomain {
  /** What stands before the server's domain: `pubsub` makes `pubsub.example.org`. */
  readonly subdomain: string
  /** Shown where the server lists its items (XEP-0030). */
  readonly name?: string
  /** True: not listed among the items of the server. */
  readonly hidden?: boolean
  /**
   * Takes a stanza. A request is answered with what is returned, or with an empty result; what is returned for anything else is ignored.
   * @throws StanzaError, which core turns into the error reply
   */
  handle(request: DomainStanza): MaybePromise<Element | undefined | void>
}
