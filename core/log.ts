/** The server's log: structured lines by pino, for a terminal or for a collector. */
import { createRequire } from 'node:module'
import type { Logger } from '@beaconfire/plugin-sdk'
import { destination, pino, stdSerializers } from 'pino'

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** `auto`: `pretty` when standard output is a terminal, else `json`. */
  readonly format: 'auto' | 'pretty' | 'json'
}

/** Where the lines go; standard output unless a test says otherwise. */
export interface LogSink {
  write(line: string): void
}

/**
 * Lines are written at once, in this process: what led to a crash is on the terminal when it happens. An error goes in the field
 * `error`; control characters of peers' values are escaped in both formats.
 */
export function createLogger(settings: LogSettings, sink?: LogSink): Logger {
  const options = {
    level: settings.level,
    base: null,
    serializers: { error: errorField },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const out = sink ?? destination({ fd: 1, sync: true })
  const isPretty = settings.format === 'pretty' || (settings.format === 'auto' && process.stdout.isTTY)
  if (!isPretty) return pino(options, out)
  // loaded where it is used: a server that writes for a collector does without
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
  const beautify = prettyFactory({
    colorize: sink === undefined && process.stdout.isTTY,
    errorLikeObjectKeys: ['error'],
    translateTime: 'SYS:HH:MM:ss.l',
  })
  return pino(options, { write: (line: string) => void out.write(beautify(line)) })
}

/** Control characters but line feed and tab: a peer's text in an error must not steer the terminal. */
const CONTROLS = /[^\P{Cc}\n\t]/gu

function errorField(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { sql: _, ...plain } = stdSerializers.err(error) // mysql2's statement, with every value that was to be written
  const clean = (text: string) => text.replace(CONTROLS, '\ufffd')
  return { ...plain, message: clean(plain.message), stack: clean(plain.stack) }
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
