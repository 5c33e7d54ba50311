/** What mysql2 takes, and what its errors mean. */

/** What mysql2 and Node say when the connection is gone, not the statement wrong. */
const LOST = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'ER_SERVER_SHUTDOWN'])

export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, fatal } = error as { readonly code?: string; readonly fatal?: boolean }
  return fatal === true || LOST.has(code ?? '')
}

/** mysql2 would write plain bytes as a list of numbers. */
export function plainBindings(bindings: readonly unknown[]): unknown[] {
  return bindings.map((value) => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value))
}
