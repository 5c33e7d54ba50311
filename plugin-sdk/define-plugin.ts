/** What a plugin is: a description, and a `setup` that returns what it contributes. The host registers and undoes it. */
import type { Static, TObject } from 'typebox'
import type { Accounts } from './accounts.js'
import type { AdminRoute } from './admin-route.js'
import type { Admins } from './admins.js'
import type { Audit } from './audit.js'
import type { Command } from './command.js'
import type { ConsolePage } from './console-page.js'
import type { Database, Migration } from './database.js'
import type { Discovery, DiscoveryProvider, Identity } from './discovery.js'
import type { Element } from './element.js'
import type { Hooks, UserRegistered } from './hooks.js'
import type { IqHandler, PreAuthIqHandler } from './iq-handler.js'
import type { Jid } from './jid.js'
import type { Logger } from './logger.js'
import type { MaybePromise } from './maybe-promise.js'
import type { Metrics } from './metrics.js'
import type { PacketInterceptor } from './packet-interceptor.js'
import type { PluginDomain } from './plugin-domain.js'
import type { PortListener } from './port-listener.js'
import type { ServiceName, Services } from './services/services.js'
import type { ClientSession, ConnectedSession, Sessions } from './session.js'
import type { Message, Stanza } from './stanza.js'
import type { Timers } from './timers.js'

/** A stream feature (RFC 6120 §4.3.2) a plugin offers, such as `<register/>`. */
export interface StreamFeature {
  readonly when: 'before-authentication' | 'after-authentication'
  /** @returns the feature, or undefined when it is not offered to this peer. One and the same element, never changed, costs the least */
  element(session: Pick<ConnectedSession, 'secure' | 'remoteAddress'>): Element | undefined
  /** What a client that has bound a resource may send because of it, beside stanzas. */
  readonly elements?: readonly StreamElementHandler[]
}

/** Takes children of the stream that are no stanzas, such as `<active/>` (XEP-0352). The client's next stanza waits for it. */
export interface StreamElementHandler {
  readonly namespace: string
  readonly name: string
  handle(el: Element, session: ClientSession): MaybePromise<void>
}

/** Everything a plugin can add to the server. All of it is gone when the plugin is unloaded. */
export interface Contributions<Provided extends ServiceName = ServiceName> {
  readonly interceptors?: readonly PacketInterceptor[]
  readonly iqHandlers?: readonly IqHandler[]
  readonly preAuthIqHandlers?: readonly PreAuthIqHandler[]
  readonly hooks?: Partial<Hooks>
  /** Features of the server in service discovery. */
  readonly features?: readonly string[]
  readonly identities?: readonly Identity[]
  /** What else the server and its accounts say in service discovery: nodes, items, forms, features of accounts. */
  readonly discovery?: DiscoveryProvider
  /** Subdomains that the plugin answers. */
  readonly domains?: readonly PluginDomain[]
  /** Ad-hoc commands of the server (XEP-0050). */
  readonly commands?: readonly Command[]
  readonly streamFeatures?: readonly StreamFeature[]
  readonly adminRoutes?: readonly AdminRoute[]
  /** Pages of the web console. */
  readonly consolePages?: readonly ConsolePage[]
  /** Ports; opened before the first stanza reaches this version. */
  readonly listeners?: readonly PortListener[]
  readonly services?: Pick<Services, Provided>
  /** Input and output may begin: tables are migrated, required plugins run. Must settle within 10 s. */
  start?(): MaybePromise<void>
  /**
   * Asked once, after {@link start}, before a stanza reaches this version: whether it can do its work. `false`, or an error, and the
   * version before serves on; there the plugin is shown as failed with the error's message. Must settle within 10 s.
   */
  healthy?(): MaybePromise<boolean | void>
  /** Flush and let go of everything; called in reverse order. Must settle within 10 s. */
  stop?(): MaybePromise<void>
  /**
   * What the next version of this plugin should know (structured-cloneable). Called on a reload once that version has started and is
   * healthy, right before it takes the place of this one; where both this and {@link restore} are synchronous, no stanza comes in between.
   * What this version learns afterwards, as from stanzas under way that it brings to their end, is not handed over: who has to wait for
   * something first returns what is known then.
   */
  save?(): MaybePromise<unknown>
  /** What the version before {@link save}d: called on a reload after {@link start} and {@link healthy}. An error, and that version serves on. */
  restore?(state: unknown): MaybePromise<void>
}

export interface PluginContext<Config = unknown, Required extends ServiceName = ServiceName> {
  /** The server's own JID: its domain. */
  readonly domain: Jid
  readonly config: Config
  readonly database: Database
  readonly log: Logger
  readonly metrics: Metrics
  readonly timers: Timers
  readonly services: Pick<Services, Required>
  readonly accounts: Accounts
  readonly admins: Admins
  readonly audit: Audit
  readonly sessions: Sessions
  /** What all running plugins contribute to service discovery. */
  readonly discovery: Discovery
  /** The ad-hoc commands that all running plugins contribute. */
  readonly commands: { list(): readonly Command[]; find(node: string): Command | undefined }
  /**
   * Sends a stanza of the server's own through the whole way: incoming chain (session kind `internal`), routing, outgoing chain.
   * `from` defaults to the server's domain.
   */
  send(stanza: Stanza): MaybePromise<void>
  /** Routes a stanza without the incoming chain, as a consequence of one that has passed it: presence to contacts, subscription answers. */
  route(stanza: Stanza): MaybePromise<void>
  /**
   * Treats a message to a local account that was accepted earlier as if it had come now and no resource had been its address: to other
   * resources, to offline storage or back to its sender, with the time it came as its delay stamp. Resolves when that is durable.
   * @throws (rejects) when it could not be stored
   */
  giveBack(message: Message, account: Jid, at: Date): Promise<void>
  /** `durability` of the server: `fast` gives up the delivery journal, and what a loss of power takes. */
  readonly durability: 'strict' | 'fast'
  /** Fires `userRegistered`, after `accounts.create` has made the account. What a hook throws is logged; nothing is thrown here. */
  registered(fact: UserRegistered): MaybePromise<void>
  /** `limits.enabled` of the server: false switches rate limits off, for load tests. */
  readonly limitsEnabled: boolean
}

export interface PluginDefinition<Schema extends TObject = TObject, Required extends ServiceName = never, Provided extends ServiceName = never> {
  /** Kebab-case; the same as the folder's and unique on the server. */
  readonly name: string
  readonly version: string
  readonly description?: string
  /** Services that must run before this plugin; it is restarted when they are. */
  readonly requires?: readonly Required[]
  readonly provides?: readonly Provided[]
  /** Schema of `plugins.settings.<name>`, with defaults for every key. */
  readonly config?: Schema
  readonly tables?: readonly Migration[]
  /** Builds; does no input or output. */
  setup(context: PluginContext<Static<Schema>, Required>): Contributions<Provided>
}

/** A plugin as the host handles it, its types forgotten. */
export type AnyPlugin = PluginDefinition<TObject, ServiceName, ServiceName>

export function definePlugin<
  Schema extends TObject = TObject,
  const Required extends ServiceName = never,
  const Provided extends ServiceName = never,
>(plugin: PluginDefinition<Schema, Required, Provided>): AnyPlugin {
  return plugin as unknown as AnyPlugin
}
