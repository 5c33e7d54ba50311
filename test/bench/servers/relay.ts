/** No server but a measure: what one core of this machine can do in Node with a load, if nothing but the load is handled. */
import { fileURLToPath } from 'node:url'
import type { Workload } from '../generator/request.js'
import { CEILING } from '../report/figures.js'
import type { BenchServer, ServerVariant, StartedServer, StartOptions } from './bench-server.js'
import { ServerProcess } from './server-process.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MAIN = fileURLToPath(new URL('relay-main.ts', import.meta.url))
const CAN_DO: readonly Workload['kind'][] = ['logins', 'messages', 'presence', 'idle']

/** What it is told when it is started. */
export interface RelayOptions {
  readonly domain: string
  /** Of all accounts; unless given, that of the first account that is made. */
  readonly password: string | undefined
  readonly fault: RelayFault | undefined
}

/** For tests, what happens to one of the messages. */
export type RelayFault = 'lose' | 'double' | 'delay'

export class Relay implements BenchServer {
  readonly name = CEILING
  readonly #fault: RelayFault | undefined

  constructor(fault?: RelayFault) {
    this.#fault = fault
  }

  version(): string {
    return `Node ${process.versions.node}`
  }

  /** It keeps nothing; the same keys of SCRAM do for ever. */
  dataVersion(): string {
    return '1'
  }

  canBe(variant: ServerVariant, { kind }: Workload): boolean {
    return Object.keys(variant).length === 0 && CAN_DO.includes(kind)
  }

  async start({ folder, domain, accounts, core }: StartOptions): Promise<StartedServer> {
    const options: RelayOptions = { domain, password: accounts?.password, fault: this.#fault }
    const server = new ServerProcess({ command: [process.execPath, '--import', 'tsx', MAIN, JSON.stringify(options)], folder, cwd: ROOT, core })
    const port = await server.until(async () => portIn(server.output()))
    return { target: { address: '127.0.0.1', port, domain, tls: false }, pid: server.pid, stop: () => server.stop() }
  }
}

function portIn(output: string): number | undefined {
  const port = /^ready (\d+)$/m.exec(output)?.[1]
  return port === undefined ? undefined : Number(port)
}
