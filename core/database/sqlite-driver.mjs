/**
 * Which build of better-sqlite3 serves this Node: version 13 brings a ready binary for Node 22 and later, but crashes on 20;
 * version 12 is made for 20 by compiling at installation, and aborts on 24. Hence both are dependencies, the older an optional one.
 */
const [major = 0] = process.versions.node.split('.').map(Number)

export const { default: SqliteDriver } = await (major >= 22 ? import('better-sqlite3') : compiled())

/** npm leaves an optional dependency out that does not compile, and says nothing. */
async function compiled() {
  try {
    return await import('better-sqlite3-node20')
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    const advice = 'On Node 20 npm compiles it: install python3, make and g++, then run npm install again; or use Node 22 or later.'
    throw new Error(`The embedded database was not installed. ${advice}`, { cause: error })
  }
}
