/** Another domain with users of its own, as a federated server would be: what is sent there is kept, what it says is routed as it stands. */
import { definePlugin, parseStanza, type Stanza } from '@beaconfire/plugin-sdk'

export class PeerDomain {
  readonly domain = 'peer.test'
  #received: Stanza[] = []
  #route: (stanza: Stanza) => unknown = () => undefined

  /** Give it to the server among the plugins. */
  readonly plugin = definePlugin({
    name: 'peer-domain',
    version: '1.0.0',
    setup: ({ route }) => {
      this.#route = route
      return { domains: [{ subdomain: 'peer', hidden: true, handle: ({ stanza }) => void this.#received.push(stanza.clone()) }] }
    },
  })

  /** A stanza of one of its users arrives, and is handled. */
  async say(xml: string): Promise<void> {
    await this.#route(parseStanza(xml))
  }

  /** What came since the last time, as text. */
  take(): string[] {
    return this.#received.splice(0).map(String)
  }
}
