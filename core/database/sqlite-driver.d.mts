import type Database from 'better-sqlite3'

/** The constructor of better-sqlite3's database, of the version that serves this Node. */
export const SqliteDriver: typeof Database
