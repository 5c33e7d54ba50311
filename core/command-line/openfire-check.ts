/** `beaconfire openfire-check`: what of an Openfire installation's database can be served, told without writing to it. */
import { type Command, EXIT_CRASH, EXIT_USAGE } from './command.js'

/** All is served as it was. */
const EXIT_SAFE = 0
/** It can be served; something is not as it was, and is named. */
const EXIT_WITH_LOSSES = 1
/** It must not be served, or could not be looked at. */
const EXIT_UNSAFE = 2

export const openfireCheck: Command = {
  name: 'openfire-check',
  summary: "tells what of an Openfire installation's database can be served; writes nothing",
  declare(command) {
    command.option('--json', 'print the report as JSON')
    command.addHelpText(
      'after',
      `
The database is the one of the configuration (database.client: mysql). An account that may only read will do.

Exit code: ${EXIT_SAFE} all is served as it was; ${EXIT_WITH_LOSSES} something is not, and is named; ${EXIT_UNSAFE} it must not be served, or could not be looked at;
${EXIT_USAGE} the configuration is wrong; ${EXIT_CRASH} the check itself failed. Only ${EXIT_SAFE} and ${EXIT_WITH_LOSSES} mean that it can be served.`,
    )
  },
  async run([options], io) {
    const { loadConfig } = await import('../config/load-config.js')
    const { silentLogger } = await import('../log.js')
    const config = loadConfig({ env: io.env })
    if (config.database.client !== 'mysql') {
      io.err('database.client is not mysql: there is no database of an Openfire installation to look at.\n')
      return EXIT_UNSAFE
    }
    const [{ checkOpenfire }, { reportText }, { Progress }] = await Promise.all([
      import('./openfire-check/check.js'),
      import('./openfire-check/report-text.js'),
      import('./openfire-check/progress.js'),
    ])
    try {
      const report = await checkOpenfire(config, io.env, silentLogger, new Progress(io))
      io.out((options as { json?: boolean }).json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report))
      if (report.blocking.length > 0) return EXIT_UNSAFE
      return report.losses.length > 0 ? EXIT_WITH_LOSSES : EXIT_SAFE
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) throw error
      io.err(`The database could not be looked at: ${error.message}\n`)
      return EXIT_UNSAFE
    }
  },
}
