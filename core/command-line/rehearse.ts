/** `beaconfire rehearse`: runs recorded stanzas through a changed plugin and the present one, and tells what differs. Nothing is delivered. */

import type { Command, CommandIo } from './command.js'
import { parsePeriod } from './rehearse/period.js'
import { RehearsalImpossible, type RehearsalOptions } from './rehearse/rehearsal-options.js'

/** Both versions do the same. */
const EXIT_SAME = 0
const EXIT_DIFFERENT = 1
/** One of them could not be run, or there was nothing to run through them. */
const EXIT_IMPOSSIBLE = 2

/** Options as commander hands them over. */
interface GivenOptions {
  readonly recording?: string
  readonly chatlog?: string
  readonly user?: string
  readonly against?: string
  readonly limit: string
  readonly differences: string
  readonly timeout: string
  readonly database: boolean
  readonly json?: boolean
}

export const rehearse: Command = {
  name: 'rehearse',
  summary: 'runs recorded stanzas through a changed plugin and the present one, and tells what differs; delivers and writes nothing',
  declare(command) {
    command
      .argument('<folder>', 'the changed plugin: a folder, or a file of npm pack')
      .option('--recording <file>', 'a recording of the flight recorder (GET /api/v1/recorder/export)')
      .option('--chatlog <from..to>', "messages of the server's chat log, as 2026-11-01..2026-11-02T12:00Z; either end may be left out")
      .option('--user <jid>', 'with --chatlog: only what this account sent or got')
      .option('--against <folder>', 'the version to compare with; that of the configured plugin folders unless given')
      .option('--limit <n>', 'stanzas at most', '100000')
      .option('--differences <n>', 'differences shown at most; all are counted', '50')
      .option('--timeout <seconds>', 'how long one stanza may block a version before it is given up', '10')
      .option('--no-database', 'the plugins find empty tables in memory instead of what the server has')
      .option('--json', 'print the report as JSON')
    command.addHelpText(
      'after',
      `
Each version runs in a process of its own. It may read what the configured database holds, and acts on nothing: send, route, sessions,
accounts and writes to the database are refused, counted, and compared. Files and connections that a plugin opens by itself are not
prevented. For both versions the clock shows when the stanza was recorded.

Exit code: ${EXIT_SAME} both do the same; ${EXIT_DIFFERENT} something differs; ${EXIT_IMPOSSIBLE} the rehearsal could not be run.`,
    )
  },
  async run([folder, given], io) {
    try {
      return await report(optionsOf(folder as string, given as GivenOptions), given as GivenOptions, io)
    } catch (error) {
      if (!(error instanceof RehearsalImpossible)) throw error
      io.err(`The rehearsal could not be run: ${error.message}\n`)
      return EXIT_IMPOSSIBLE
    }
  },
}

async function report(options: RehearsalOptions, { json }: GivenOptions, io: CommandIo): Promise<number> {
  const [{ runRehearsal }, { reportText }] = await Promise.all([import('./rehearse/run-rehearsal.js'), import('./rehearse/report-text.js')])
  const result = await runRehearsal(options, io.env)
  io.out(json ? `${JSON.stringify(result, undefined, 2)}\n` : reportText(result))
  return result.differing > 0 ? EXIT_DIFFERENT : EXIT_SAME
}

/** @throws RehearsalImpossible */
function optionsOf(folder: string, given: GivenOptions): RehearsalOptions {
  const { recording, chatlog, user, against } = given
  if ((recording === undefined) === (chatlog === undefined)) throw new RehearsalImpossible('say either --recording <file> or --chatlog <from..to>')
  if (user !== undefined && chatlog === undefined) throw new RehearsalImpossible('--user goes with --chatlog')
  return {
    folder,
    against,
    source: recording === undefined ? { period: parsePeriod(chatlog as string), user } : { recording },
    limit: wholeNumber('--limit', given.limit, 1),
    differences: wholeNumber('--differences', given.differences, 0),
    timeoutMs: wholeNumber('--timeout', given.timeout, 1) * 1000,
    readsDatabase: given.database,
  }
}

function wholeNumber(option: string, text: string, minimum: number): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= minimum) return value
  throw new RehearsalImpossible(`${option} must be a whole number from ${minimum} on, not "${text}"`)
}
