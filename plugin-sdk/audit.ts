/** The record of administrative acts (`ofSecurityAuditLog`). Core records calls of the admin API; a plugin records what it does otherwise. */
export interface AuditEntry {
  /** Who acted: a username, or a JID. */
  readonly administrator: string
  /** What was done, in a few words. Never holds a password. */
  readonly summary: string
  readonly details?: string | undefined
}

export interface Audit {
  /** Resolves when the entry is on disk. What is longer than its column is cut. @throws (rejects) when it cannot be written */
  record(entry: AuditEntry): Promise<void>
}
