/** A server at an address, which runs already: whoever tests an installation names it. */
import type { BenchServer, ServerVariant, StartedServer } from './bench-server.js'

export interface ForeignOptions {
  readonly address: string
  readonly port: number
  readonly domain: string
  readonly tls: boolean
  /** Its process, where it is on this machine. */
  readonly pid: number | undefined
}

export class ForeignServer implements BenchServer {
  readonly name: string
  readonly isForeign = true
  readonly #options: ForeignOptions

  constructor(options: ForeignOptions) {
    this.#options = options
    this.name = `${options.address}:${options.port}`
  }

  version(): string {
    return 'running already'
  }

  dataVersion(): string {
    return ''
  }

  /** It is what it is: what needs a switch of the server cannot be asked of it. */
  canBe(variant: ServerVariant): boolean {
    return !variant.archive && !variant.interceptors && (!variant.tls || this.#options.tls)
  }

  async start(): Promise<StartedServer> {
    const { address, port, domain, tls, pid } = this.#options
    return { target: { address, port, domain, tls }, ...(pid === undefined ? {} : { pid }), stop: async () => {} }
  }
}
