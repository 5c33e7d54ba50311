/** What the tests use of @xmpp/client, which comes without types. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from 'ltx'

  export interface Entity extends EventEmitter {
    start(): Promise<unknown>
    stop(): Promise<unknown>
    send(el: Element): Promise<void>
    isSecure(): boolean
    readonly iqCaller: { request(iq: Element, timeout?: number): Promise<Element> }
    readonly reconnect: { stop(): void; delay: number }
    /** XEP-0198; emits `ack`, `fail` and `resumed`. */
    readonly streamManagement: EventEmitter & { readonly enabled: boolean; readonly id: string; requestAckDebounce: number }
    readonly socket: { end(): void } | null
  }

  export interface ClientOptions {
    readonly service: string
    readonly domain: string
    readonly resource?: string
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
