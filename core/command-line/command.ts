/** A command of the command line beside `run`: one file each, listed in `command-line.ts`. */
import type { Command as Commander } from 'commander'

export interface Command {
  /** Kebab-case. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Declares arguments and options. What is heavy is imported by {@link run}. */
  declare(command: Commander): void
  /** @param given arguments, then an object with the options, as commander hands them over @returns the exit code */
  run(given: readonly unknown[], io: CommandIo): Promise<number>
}

/** What a command may say and know of its surroundings. */
export interface CommandIo {
  readonly env: NodeJS.ProcessEnv
  /** The result, for pipes. */
  out(text: string): void
  /** Progress and complaints. */
  err(text: string): void
  /** Someone looks at what `err` says as it comes. */
  readonly isInteractive: boolean
}

/** The command line was used in a wrong way, or the configuration is. */
export const EXIT_USAGE = 64
/** A command failed in a way it does not know: its result, if it gave one, counts for nothing. `EX_SOFTWARE` of sysexits.h. */
export const EXIT_CRASH = 70
