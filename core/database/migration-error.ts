/** Why the tables of an owner cannot be used. `cause` is the database's error, where it was one. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly code = 'MIGRATION'
}
