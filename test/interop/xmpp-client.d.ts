/** What the tests use of @xmpp/client, which comes without types. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from 'ltx'

  export interface Entity extends EventEmitter {
    start(): Promise<unknown>
    stop(): Promise<unknown>
    send(el: Element): Promise<void>
    sendMany(elements: readonly Element[]): Promise<void>
    readonly status: string
    readonly options: { service: string }
    isSecure(): boolean
    readonly iqCaller: { request(iq: Element, timeout?: number): Promise<Element> }
    readonly reconnect: { stop(): void; delay: number }
    /** XEP-0198; emits `ack`, `fail` and `resumed`. */
    readonly streamManagement: EventEmitter & {
      readonly enabled: boolean
      readonly id: string
      /** What waits to be acknowledged. */
      readonly outbound_q: readonly { readonly stanza: Element }[]
      requestAckDebounce: number
    }
    readonly socket: { end(): void; destroy(): void } | null
  }

  export interface ClientOptions {
    readonly service: string
    readonly domain: string
    readonly resource?: string
    /** For an answer of the server, in ms. */
    readonly timeout?: number
    credentials(
      authenticate: (credentials: { username: string; password: string }, mechanism: string) => Promise<void>,
      mechanisms: readonly string[],
      fast: unknown,
      entity: Entity,
    ): Promise<void>
  }

  export function client(options: ClientOptions): Entity
  export function xml(name: string, attributes?: Record<string, string>, ...children: readonly (Element | string)[]): Element
}
