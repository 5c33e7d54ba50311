/** For tests: what core does for presence and rosters, without sockets and streams. Sessions keep what they are given. */
import {
  type AnyPlugin,
  type ClientSession,
  type Contributions,
  type Database,
  type Element,
  errorReply,
  type Hooks,
  type Iq,
  isPromise,
  Jid,
  type Logger,
  type MaybePromise,
  type Presence,
  parseElement,
  parseStanza,
  type Session,
  type Sessions,
  type Stanza,
  StanzaError,
} from '@beaconfire/plugin-sdk'

type HookName = keyof Hooks

export class FakeSession implements ClientSession {
  readonly kind = 'client'
  readonly connectedAt = new Date(0)
  readonly mechanism = 'PLAIN'
  readonly remoteAddress = ''
  readonly secure = true
  readonly handedOver = 0
  readonly arrived = 0
  readonly acknowledges = false
  readonly id: string
  presence: Presence | undefined
  gate: undefined
  isOpen = true
  /** What came since the last {@link take}, as XML. */
  inbox: string[] = []
  readonly #server: FakeServer

  constructor(
    readonly jid: Jid,
    server: FakeServer,
  ) {
    this.id = jid.toString()
    this.#server = server
  }

  get isAvailable(): boolean {
    return this.presence !== undefined
  }
  get priority(): number {
    return this.presence?.priority ?? 0
  }
  deliver(stanza: Stanza): boolean {
    if (!this.isOpen) return false
    this.inbox.push(stanza.toString().replaceAll(/ id="push-[0-9a-f]+"| ver="[^"]*"/g, ''))
    return true
  }
  release(): void {}
  async whenFlushed(): Promise<void> {}
  async setPresence(presence: Presence | undefined): Promise<void> {
    const before = this.presence
    this.presence = presence
    if (presence) await this.#server.tell('resourceAvailable', { session: this, initial: !before, previousPriority: before?.priority })
    else if (before) await this.#server.tell('resourceUnavailable', { session: this, presence: before })
  }
  close(): void {
    this.isOpen = false
  }

  /** Everything received since the last time. */
  take(): string[] {
    const taken = this.inbox
    this.inbox = []
    return taken
  }

  /** Sends presence, or anything a plugin answers, as this client. */
  async send(xml: string): Promise<void> {
    const stanza = parseStanza(xml)
    stanza.from = this.jid
    await this.#server.receive(stanza, this)
  }

  /** Sends a roster request. @returns the payload of the result @throws StanzaError */
  async request(type: 'get' | 'set', payload: string, account = this.jid.bare()): Promise<Element | undefined> {
    return this.#server.request(type, parseElement(payload), this, account)
  }

  /** The connection is lost. */
  async drop(): Promise<void> {
    this.isOpen = false
    this.#server.live = this.#server.live.filter((it) => it !== this)
    await this.setPresence(undefined)
    await this.#server.tell('sessionClosed', { session: this, abrupt: true })
  }
}

export class FakeServer implements Sessions {
  live: FakeSession[] = []
  readonly users = new Set<string>()
  /** What was routed to other domains. */
  readonly remote: string[] = []
  /** Messages of warnings and errors. */
  readonly logged: string[] = []
  readonly database: Database
  readonly domain = Jid.parse('test')
  readonly services: Record<string, unknown> = {}
  readonly #plugins: Contributions[] = []

  constructor(database: Database) {
    this.database = database
  }

  /** Loads a plugin with its defaults, changed by `config`. The tables are the caller's to make. */
  async load(plugin: AnyPlugin, config: Record<string, unknown> = {}): Promise<Contributions> {
    const defaults = Object.fromEntries(
      Object.entries(plugin.config?.properties ?? {}).map(([key, schema]) => [key, (schema as { default?: unknown }).default]),
    )
    const contributions = plugin.setup(this.#context({ ...defaults, ...config }))
    Object.assign(this.services, contributions.services)
    this.#plugins.push(contributions)
    await contributions.start?.()
    return contributions
  }

  /** @param available initial presence is sent */
  async login(user: string, resource: string, available = true): Promise<FakeSession> {
    this.users.add(user)
    const session = new FakeSession(Jid.of(user, 'test', resource), this)
    this.live.push(session)
    await this.tell('sessionOpened', { session })
    if (available) await session.send('<presence/>')
    return session
  }

  get count(): number {
    return this.live.length
  }
  get(fullJid: Jid): FakeSession | undefined {
    return this.live.find((it) => it.jid.equals(fullJid))
  }
  ofUser(jid: Jid): readonly FakeSession[] {
    return this.live.filter((it) => it.jid.bare().equals(jid.bare()))
  }
  all(): IterableIterator<FakeSession> {
    return this.live.values()
  }

  async receive(stanza: Stanza, session: FakeSession): Promise<void> {
    try {
      if (stanza.kind === 'presence' && (await this.#ask('presenceSent', { presence: stanza, session })) === 'handled') return
      if (stanza.to) await this.route(stanza, session)
      // Nobody loaded the presence plugin: the resource comes and goes all the same.
      else if (stanza.kind === 'presence') await session.setPresence(stanza.type === 'available' ? stanza : undefined)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      const reply = errorReply(stanza, error)
      if (reply) session.deliver(reply)
    }
  }

  async request(type: string, payload: Element, session: FakeSession, account: Jid): Promise<Element | undefined> {
    const handler = this.#plugins.flatMap((it) => it.iqHandlers ?? []).find((it) => it.namespace === payload.getNS())
    const target = account.equals(session.jid.bare()) ? 'own-account' : 'other-account'
    const answer = await handler?.handle({ iq: { type } as Iq, payload, session, target, account, hold: () => {}, answer: () => {} })
    return answer ?? undefined
  }

  async tell(name: HookName, fact: object): Promise<void> {
    for (const plugin of this.#plugins) await (plugin.hooks?.[name] as ((fact: object) => unknown) | undefined)?.(fact)
  }

  async route(stanza: Stanza, origin?: Session): Promise<void> {
    const { to } = stanza
    if (!to) throw new Error('nothing to route by')
    if (to.domain !== 'test') {
      this.remote.push(stanza.toString())
      return
    }
    if (stanza.kind !== 'presence' || !this.users.has(to.local)) return
    if ((await this.#ask('presenceReceived', { presence: stanza, recipient: to, origin })) === 'handled') return
    for (const session of to.isFull ? [this.get(to)] : this.ofUser(to).filter((it) => it.isAvailable)) session?.deliver(stanza)
  }

  async #ask(name: 'presenceSent' | 'presenceReceived', fact: object): Promise<'handled' | 'pass'> {
    for (const { hooks } of this.#plugins) {
      const said = (hooks?.[name] as ((fact: object) => MaybePromise<'handled' | 'pass'>) | undefined)?.(fact)
      if ((isPromise(said) ? await said : said) === 'handled') return 'handled'
    }
    return 'pass'
  }

  #context(config: object): Parameters<AnyPlugin['setup']>[0] {
    const say = (_fields: object, message: string) => void this.logged.push(message)
    const log: Logger = { debug: () => {}, info: () => {}, warn: say, error: say, child: () => log }
    const context = {
      domain: this.domain,
      config,
      database: this.database,
      log,
      metrics: { counter: () => ({ increment: () => {} }), gauge: () => {} },
      services: this.services,
      accounts: { exists: (username: string) => this.users.has(username) },
      sessions: this as Sessions,
      route: (stanza: Stanza) => this.route(stanza),
    }
    return context as unknown as Parameters<AnyPlugin['setup']>[0]
  }
}
