/** Structured logging: fields first, then a constant sentence. Values from peers go in fields, never in the sentence. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds these fields to each line. */
  child(fields: object): Logger
}
