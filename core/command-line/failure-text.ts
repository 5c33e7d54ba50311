/**
 * What is told of an error that ends a command, the server's among them. A fault of the surroundings (a port in use, a folder without
 * rights) has a code, and its message says enough; a bug shows where it was thrown.
 */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hasCode = 'code' in error && typeof error.code === 'string'
  return hasCode ? error.message : (error.stack ?? error.message)
}
