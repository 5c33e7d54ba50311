/**
 * Which build of better-sqlite3 serves this Node: version 13 brings a ready binary for Node 22 and later, but crashes on 20;
 * version 12 is made for 20 by compiling at installation, and aborts on 24. Hence both are dependencies, the older an optional one.
 */
const [major = 0] = process.versions.node.split('.').map(Number)

export const { default: SqliteDriver } = await import(major >= 22 ? 'better-sqlite3' : 'better-sqlite3-node20')
