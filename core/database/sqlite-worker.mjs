/**
 * The thread that owns one SQLite connection. better-sqlite3 is synchronous, so it must not run where the streams are served.
 * Plain JavaScript, since worker threads do not get the TypeScript loader on Node 20. The face of it is `sqlite-connection.ts`.
 */
import { closeSync, openSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { SqliteDriver } from './sqlite-driver.mjs'

const CACHED_STATEMENTS = 200
/** In KiB: the pages where the indexes of a table of millions grow, one for each of the users who are busy. Filled as they are touched. */
const WRITER_CACHE = 32 * 1024
/** Pages of the log that are copied into the file together: those written again and again in the meantime are copied once. */
const CHECKPOINT_PAGES = 4000
/** Where threads have to share a core, the one that serves the streams gets three times as much: it waits in turn when rows pile up. */
const NICENESS = 5

const statements = new Map()
let database

// Elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(NICENESS)

const METHODS = {
  query({ sql, bindings }) {
    const statement = prepared(sql)
    const values = bindings.map(boundValue)
    if (!statement.reader) return statement.run(values)
    return packed(statement.all(values))
  },

  /** Selects, grouped by statement. An error stays with its own select. */
  read({ groups }) {
    return groups.map(({ sql, bindings }) => bindings.map((values) => outcomeOf(sql, values)))
  },

  /** One transaction for all groups. A row the database refuses is reported by its place and keeps no other row from being stored. */
  insert({ groups }) {
    const failures = []
    database.exec('BEGIN IMMEDIATE')
    try {
      for (const [index, group] of groups.entries()) insertGroup(group, index, failures)
      database.exec('COMMIT')
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw error
    }
    return failures
  },

  close() {
    database.close()
  },
}

try {
  database = open(workerData)
  parentPort.on('message', answer)
  parentPort.postMessage({ id: 0 })
} catch (error) {
  parentPort.postMessage({ id: 0, error: plainError(error) }) // and with no listener on the port the thread ends
}

function answer({ id, method, ...details }) {
  try {
    parentPort.postMessage({ id, result: METHODS[method](details) })
  } catch (error) {
    parentPort.postMessage({ id, error: plainError(error) })
  }
  if (method === 'close') parentPort.close() // after the answer: one given to a closed port can be lost
}

function open({ filename, readonly, synchronous }) {
  // made here first, for its mode: it holds the keys of accounts. SQLite gives its side files the same.
  if (filename !== ':memory:' && !readonly) closeSync(openSync(filename, 'a', 0o600))
  const opened = new SqliteDriver(filename, { readonly, timeout: 5000 })
  opened.pragma('foreign_keys = ON')
  if (!readonly) {
    opened.pragma('journal_mode = WAL')
    opened.pragma(`synchronous = ${synchronous}`)
    opened.pragma(`cache_size = -${WRITER_CACHE}`)
    opened.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  }
  return opened
}

function outcomeOf(sql, values) {
  try {
    return packed(prepared(sql).all(values.map(boundValue)))
  } catch (error) {
    return { error: plainError(error) }
  }
}

function insertGroup(packed, group, failures) {
  const { sql, width, kinds } = packed
  const next = reader(packed)
  const values = new Array(width)
  for (let row = 0; row * width < kinds.length; row++) {
    for (let column = 0; column < width; column++) values[column] = next()
    try {
      prepared(sql).run(values)
    } catch (error) {
      if (!database.inTransaction) throw error // a full disk and the like: SQLite has rolled all of it back
      failures.push({ group, row, error: plainError(error) })
    }
  }
}

/** Gives the values of a group one after the other; `packed-rows.ts` says how they are kept. */
function reader({ kinds, text, numbers, others }) {
  let value = 0
  let character = 0
  let number = 0
  let other = 0
  return () => {
    const kind = kinds[value++]
    if (kind >= 0) return text.slice(character, (character += kind))
    if (kind === -2) return numbers[number++]
    return kind === -1 ? null : boundValue(others[other++])
  }
}

let last = { sql: undefined, statement: undefined }

/** The statement of the last call is nearly always that of the next. */
function prepared(sql) {
  if (last.sql !== sql) last = { sql, statement: cached(sql) }
  return last.statement
}

function cached(sql) {
  let statement = statements.get(sql)
  if (statement) statements.delete(sql)
  else {
    statement = database.prepare(sql)
    if (statements.size >= CACHED_STATEMENTS) statements.delete(statements.keys().next().value)
  }
  statements.set(sql, statement) // last in the map: the one used longest ago is first
  return statement
}

/** Column names once, not per row: it is the main thread that pays for unpacking. */
function packed(rows) {
  const columns = rows.length > 0 ? Object.keys(rows[0]) : []
  let hasBytes = false
  const cells = rows.map((row) => {
    const values = Object.values(row)
    hasBytes ||= values.some((value) => value instanceof Uint8Array)
    return values
  })
  return { columns, cells, hasBytes }
}

/** What better-sqlite3 takes: no booleans, no dates; bytes lose their Buffer on the way into this thread. */
function boundValue(value) {
  if (value === undefined) return null
  if (typeof value === 'boolean') return Number(value)
  if (value instanceof Date) return value.valueOf()
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}

function plainError(error) {
  return { message: error.message, code: error.code }
}
