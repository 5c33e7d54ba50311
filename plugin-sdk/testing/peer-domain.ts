/** Another domain with users of its own, as a federated server would be: what is sent there is kept, what it says is routed as it stands. */
import { type AnyPlugin, definePlugin, parseStanza, type Stanza } from '../index.js'

export class PeerDomain {
  /** Give it to `startTestServer` among the plugins. */
  readonly plugin: AnyPlugin
  #domain = ''
  #received: Stanza[] = []
  #route: (stanza: Stanza) => unknown = () => undefined

  /** @param name what stands before the server's own domain */
  constructor(name = 'peer') {
    this.plugin = definePlugin({
      name: `domain-${name}`,
      version: '1.0.0',
      setup: ({ route, domain }) => {
        this.#route = route
        this.#domain = `${name}.${domain}`
        return { domains: [{ subdomain: name, hidden: true, handle: ({ stanza }) => void this.#received.push(stanza.clone()) }] }
      },
    })
  }

  /** `peer.test` unless it was given another name; known once the server runs. */
  get domain(): string {
    return this.#domain
  }

  /** A stanza of one of its users arrives, and is handled. */
  async say(xml: string): Promise<void> {
    await this.#route(parseStanza(xml))
  }

  /** What came since the last time, as text. */
  take(): string[] {
    return this.#received.splice(0).map(String)
  }
}
