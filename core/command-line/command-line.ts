/** Commands of the command line beside `run`, which needs none of this. */
import { Command as Commander, CommanderError } from 'commander'
import { ConfigError } from '../config/check-config.js'
import { type Command, type CommandIo, EXIT_CRASH, EXIT_USAGE } from './command.js'
import { failureText } from './failure-text.js'
import { openfireCheck } from './openfire-check.js'
import { rehearse } from './rehearse.js'

const COMMANDS: readonly Command[] = [openfireCheck, rehearse]

/** @param args without those of Node @returns the exit code */
export async function runCommandLine(args: readonly string[], io: CommandIo): Promise<number> {
  let exitCode = 0
  const program = new Commander('beaconfire')
    .description('XMPP server that people extend by dropping a plugin into a folder')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
  program
    .command('run', { isDefault: true })
    .description('starts the server; the configuration is ./beaconfire.yaml, or the file named by BEACONFIRE_CONFIG')
  for (const command of COMMANDS) {
    const declared = program.command(command.name).description(command.summary)
    command.declare(declared)
    declared.action(async (...given: unknown[]) => {
      exitCode = await command.run(given.slice(0, -1), io)
    })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
    if (error instanceof ConfigError) {
      io.err(`${error.message}\n`)
      return EXIT_USAGE
    }
    io.err(`The command failed: ${failureText(error)}\n`)
    return EXIT_CRASH
  }
}
