/** The command line of the bench, read and checked. */
import { Command, InvalidArgumentError } from 'commander'
import type { BenchAccounts } from './generator/request.js'
import { type Placement, placementOf } from './run/placement.js'
import { SCENARIOS, type Scenario, scenariosNamed } from './scenarios.js'
import { Beaconfire } from './servers/beaconfire.js'
import type { BenchServer } from './servers/bench-server.js'
import { Ejabberd } from './servers/ejabberd.js'
import { ForeignServer } from './servers/foreign.js'
import { Prosody } from './servers/prosody.js'
import { Relay } from './servers/relay.js'

export interface BenchCommand {
  readonly scenarios: readonly Scenario[]
  readonly servers: readonly BenchServer[]
  readonly rounds: number
  readonly placement: Placement
  readonly domain: string
  readonly quick: boolean
  readonly durability: 'strict' | 'fast'
  readonly accounts: BenchAccounts
  readonly register: boolean
  readonly json: string | undefined
  readonly markdown: boolean
  readonly check: boolean
  readonly saveBaseline: boolean
}

interface Options {
  readonly rounds: number
  readonly peers: string
  readonly pin?: string
  readonly address?: string
  readonly tls: boolean
  readonly domain: string
  readonly pid?: number
  readonly durability: string
  readonly prefix: string
  readonly password: string
  readonly register: boolean
  readonly json?: string
  readonly markdown: boolean
  readonly check: boolean
  readonly saveBaseline: boolean
  readonly quick: boolean
}

/** Ends the process with status 2 and the reason on anything it does not understand. */
export function parseCommand(argv: readonly string[]): BenchCommand {
  const program = describe().parse(argv)
  const options = program.opts<Options>()
  try {
    return {
      scenarios: scenariosNamed(program.args),
      servers: serversOf(options),
      rounds: options.rounds,
      placement: placementOf(options.pin),
      domain: options.domain,
      quick: options.quick,
      durability: durabilityOf(options.durability),
      accounts: { prefix: options.prefix, password: options.password },
      register: options.register,
      json: options.json,
      markdown: options.markdown,
      check: options.check,
      saveBaseline: options.saveBaseline,
    }
  } catch (error) {
    return program.error(`error: ${error instanceof Error ? error.message : String(error)}`, { exitCode: 2 })
  }
}

function describe(): Command {
  return new Command('npm run bench --')
    .description('Load-tests Beaconfire beside its peers, or a server at an address. Never point it at a server that is not yours.')
    .argument('[scenario...]', 'all, unless some are named')
    .option('--rounds <n>', 'how often each scenario runs on each server', wholeNumber, 3)
    .option(
      '--peers <names>',
      'servers to start, those not installed are left out; `relay` does nothing but pass on, and shows what the machine allows',
      'beaconfire,prosody,ejabberd',
    )
    .option('--pin <cores>', 'server,generator, or none (default: 0,1 where that can be done)')
    .option('--address <host:port>', 'test this server, which runs already, instead')
    .option('--tls', 'the port of --address speaks TLS from the first byte', false)
    .option('--domain <name>', 'XMPP domain', 'localhost')
    .option('--pid <n>', 'process of the server at --address, for figures by CPU time', wholeNumber)
    .option('--prefix <name>', 'accounts are <name>0, <name>1, …', 'bench')
    .option('--password <text>', 'of all of them', 'bench')
    .option('--no-register', 'the accounts exist; otherwise they are made by in-band registration')
    .option('--durability <how>', 'strict or fast, of the Beaconfire that is started', 'fast')
    .option('--json <file>', 'where the record goes (default: bench-results/<time>.json)')
    .option('--markdown', 'print the table as Markdown', false)
    .option('--check', 'fail on a loss of more than 10 % against the committed baseline', false)
    .option('--save-baseline', 'make the figures of this call the baseline', false)
    .option('--quick', 'a tenth of the load, to see that all runs', false)
    .addHelpText('after', () => `\nScenarios:\n${SCENARIOS.map((it) => `  ${it.name.padEnd(24)}${it.description}`).join('\n')}\n`)
    .configureOutput({ outputError: (text, write) => write(text) })
}

function serversOf({ address, domain, tls, pid, peers, durability }: Options): BenchServer[] {
  if (address !== undefined) {
    const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? []
    if (!host) throw new RangeError(`--address takes host:port, not ${address}`)
    return [new ForeignServer({ address: host, port: Number(port), domain, tls, pid })]
  }
  const all: BenchServer[] = [new Beaconfire(durabilityOf(durability)), new Prosody(), new Ejabberd(), new Relay()]
  return peers.split(',').map((name) => {
    const server = all.find((it) => it.name === name)
    if (!server) throw new RangeError(`no server is called ${name}; there are ${all.map((it) => it.name).join(', ')}`)
    return server
  })
}

function durabilityOf(text: string): 'strict' | 'fast' {
  if (text !== 'strict' && text !== 'fast') throw new RangeError(`--durability is strict or fast, not ${text}`)
  return text
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0')
  return value
}
