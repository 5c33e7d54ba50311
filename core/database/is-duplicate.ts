/** The one sort of database error that callers expect. */
const CODES = new Set([
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_ROWID',
  'ER_DUP_ENTRY',
  'ER_DUP_ENTRY_WITH_KEY_NAME',
])

/** True for a violated primary key or unique index, on both engines. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && CODES.has(String((error as { readonly code?: unknown }).code))
}
