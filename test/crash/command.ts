/** The command line of the crash harness, read and checked. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { type RunOptions, SCENARIOS } from './run.js'
import type { Engine } from './storage.js'

interface Options {
  readonly kills: number
  readonly engine: Engine | 'both'
  readonly durability: 'strict' | 'fast'
  readonly scenario: RunOptions['scenario']
  readonly signal: 'SIGKILL' | 'SIGTERM'
  readonly seed: number
  readonly outage: number
  readonly leastOutage?: number
}

/** In seconds. */
const SHORTEST_OUTAGE = 0.1

/** One run for each engine that is wanted. Ends the process with a message on anything it does not understand. */
export function parseCommand(argv: readonly string[]): RunOptions[] {
  const { engine, signal, outage, leastOutage = SHORTEST_OUTAGE, scenario, ...shared } = describe().parse(argv).opts<Options>()
  const engines: Engine[] = engine === 'both' ? ['sqlite', 'mysql'] : [engine]
  const wanted = scenario === 'kill' && signal === 'SIGTERM' ? 'term' : scenario
  return engines.map((it) => ({ ...shared, scenario: wanted, engine: it, leastOutageSeconds: leastOutage, outageSeconds: outage }))
}

function describe(): Command {
  return new Command('npm run crash-test --')
    .description('Ends the server again and again while clients send messages, and counts what became of them.')
    .option('--kills <n>', 'how often it is ended, or the fault comes', wholeNumber, 50)
    .addOption(new Option('--engine <name>', 'database').choices(['sqlite', 'mysql', 'both']).default('both'))
    .addOption(
      new Option('--durability <how>', 'of the server; with fast messages are lost, which shows that they would be seen')
        .choices(['strict', 'fast'])
        .default('strict'),
    )
    .addOption(new Option('--scenario <name>', 'what fails: the server (kill, term), its database, its disk').choices(SCENARIOS).default('kill'))
    .addOption(new Option('--signal <name>', 'SIGTERM makes of kill the scenario term').choices(['SIGKILL', 'SIGTERM']).default('SIGKILL'))
    .option('--seed <n>', 'of the random moments and choices (default: by the clock)', wholeNumber, (Date.now() % 1_000_000) + 1)
    .option('--outage <seconds>', 'longest fault of the database or disk', wholeNumber, 3)
    .option('--least-outage <seconds>', 'shortest one (default: a tenth of a second)', wholeNumber)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above 0')
  return value
}
