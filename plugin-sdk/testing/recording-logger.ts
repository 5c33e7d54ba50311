/** A log that a test can read. */
import type { Logger } from '../index.js'

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Keeps what is logged: `startTestServer(t, { log })`. A child's fields are part of each of its entries. */
export function recordingLogger(): { readonly log: Logger; readonly entries: readonly LogEntry[] } {
  const entries: LogEntry[] = []
  const loggerWith = (bound: object): Logger => {
    const at = (level: LogEntry['level']) => (fields: object, message: string) =>
      void entries.push({ level, message, fields: { ...bound, ...fields } })
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (fields) => loggerWith({ ...bound, ...fields }) }
  }
  return { log: loggerWith({}), entries }
}
