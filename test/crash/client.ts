/** A user's connection by npm's @xmpp/client with stream management, which comes back whatever happens to the server. */
import { type Entity, client as newEntity, xml } from '@xmpp/client'
import type { Element } from 'ltx'

export const DOMAIN = 'localhost'
const NS_STANZA_ID = 'urn:xmpp:sid:0'
/** The library waits so long for an answer of a server on a machine that does much else, in ms. */
const ANSWER_LIMIT_MS = 30_000
const RECONNECT_MS = 100
/** A client that is not back so long after the server is gives up its session and logs in anew, in ms. */
const STUCK_MS = 10_000

/** Where the server is now. */
export interface ServerAddress {
  readonly port: number
  /** When it began to accept connections, by `performance.now()`; undefined while it does not. */
  readonly upSince: number | undefined
}

export interface ClientEvents {
  message?(message: Element): void
  /** The server has handled this one (XEP-0198). */
  acknowledged?(id: string): void
  /** About to be written by the library itself, which found that the server had not got it. */
  rewritten?(id: string): void
  /** There is a session: a new one, or the old one with the ids of messages that the library still waits to see acknowledged. */
  ready?(waitedFor: ReadonlySet<string> | undefined): void
}

export class Client {
  readonly name: string
  readonly account: string
  readonly #username: string
  readonly #resource: string
  readonly #server: ServerAddress
  readonly #events: ClientEvents
  #entity: Entity | undefined
  #readyUntil = 0
  #watch: NodeJS.Timeout | undefined

  constructor(username: string, resource: string, server: ServerAddress, events: ClientEvents) {
    this.#username = username
    this.#resource = resource
    this.#server = server
    this.#events = events
    this.account = `${username}@${DOMAIN}`
    this.name = `${this.account}/${resource}`
  }

  /** It is to be connected, whether it is or not. */
  get isConnecting(): boolean {
    return this.#entity !== undefined
  }
  get isReady(): boolean {
    return this.#entity !== undefined && this.#entity.status === 'online' && this.#entity.streamManagement.enabled
  }

  /** Logs in, and again whenever the connection is lost. */
  connect(): void {
    this.#start()
    this.#readyUntil = performance.now()
    this.#watch ??= setInterval(() => this.#look(), 500)
  }

  /**
   * Loses the connection without a word; the library comes back after `awayMs`, and resumes the session if that is still there. Does
   * nothing before stream management is enabled: what came until then the server takes for arrived as soon as the socket has it.
   */
  cut(awayMs: number): void {
    if (!this.#entity || !this.isReady) return
    this.#entity.reconnect.delay = awayMs
    this.#entity.socket?.destroy()
  }

  /** Forgets the session and its connection, as a device that was switched off. Only where {@link cut} would do something. */
  abandon(): void {
    if (!this.isReady) return
    const entity = this.#forget()
    entity?.socket?.destroy()
  }

  /** Says good-bye. */
  async leave(): Promise<void> {
    const entity = this.#forget()
    await entity?.stop().catch(() => entity.socket?.destroy())
  }

  /** @returns false when the connection is gone, which does not say whether the message has got through */
  async send(element: Element): Promise<boolean> {
    try {
      await this.#entity?.send(element)
      return true
    } catch {
      return false
    }
  }

  #forget(): Entity | undefined {
    const entity = this.#entity
    this.#entity = undefined
    clearInterval(this.#watch)
    this.#watch = undefined
    entity?.reconnect.stop()
    return entity
  }

  #start(): void {
    const entity = newEntity({
      service: this.#service,
      domain: DOMAIN,
      resource: this.#resource,
      timeout: ANSWER_LIMIT_MS,
      credentials: (authenticate) => authenticate({ username: this.#username, password: this.#username }, 'PLAIN'),
    })
    this.#entity = entity
    entity.reconnect.delay = RECONNECT_MS
    entity.streamManagement.requestAckDebounce = 5
    entity.on('error', () => {}) // a lost connection is what is wanted
    entity.on('disconnect', () => {
      entity.options.service = this.#service
    })
    entity.on('connecting', () => {
      entity.options.service = this.#service
      entity.reconnect.delay = RECONNECT_MS
    })
    entity.on('stanza', (stanza: Element) => stanza.is('message') && this.#events.message?.(stanza))
    entity.on('online', () => this.#online(entity))
    entity.streamManagement.on('ack', (stanza: Element) => this.#events.acknowledged?.(String(stanza.attrs.id)))
    entity.streamManagement.on('resumed', () => {
      const left = entity.streamManagement.outbound_q.map(({ stanza }) => String(stanza.attrs.id))
      if (this.#entity === entity) this.#events.ready?.(new Set(left))
    })
    this.#noteRewrites(entity)
    entity.start().catch(() => {}) // it tries again
  }

  get #service(): string {
    return `xmpp://127.0.0.1:${this.#server.port}`
  }

  /** The library sends again only what it sends many of. */
  #noteRewrites(entity: Entity): void {
    const sendMany = entity.sendMany.bind(entity)
    entity.sendMany = (elements) => {
      for (const element of elements) if (element.is('message')) this.#events.rewritten?.(String(element.attrs.id))
      return sendMany(elements)
    }
  }

  /** A new session; the library enables stream management in the same breath. */
  #online(entity: Entity): void {
    const whenEnabled = () => {
      if (this.#entity !== entity || entity.status !== 'online') return
      if (!entity.streamManagement.enabled) {
        setTimeout(whenEnabled, 5)
        return
      }
      this.#events.ready?.(undefined)
      void entity.send(xml('presence')).catch(() => {})
    }
    whenEnabled()
  }

  #look(): void {
    const now = performance.now()
    const { upSince } = this.#server
    if (this.isReady || upSince === undefined) this.#readyUntil = now
    if (now - Math.max(this.#readyUntil, upSince ?? now) < STUCK_MS) return
    const entity = this.#entity
    entity?.reconnect.stop()
    entity?.socket?.destroy()
    this.#readyUntil = now
    this.#start()
  }
}

/** The id that the account gave the message (XEP-0359). */
export function stanzaIdOf(message: Element, account: string): string | undefined {
  const given = message.getChildren('stanza-id', NS_STANZA_ID).find((it) => it.attrs.by === account)
  return given && String(given.attrs.id)
}
