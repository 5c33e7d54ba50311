import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Migration } from '@beaconfire/plugin-sdk'
import type { Knex } from 'knex'
import { temporaryFolder } from '../../test/support/engines.js'
import { loadConfig } from '../config/load-config.js'
import { silentLogger } from '../log.js'
import { openDatabase, type ServerDatabase } from './database.js'

const table: Migration = {
  version: 1,
  up: (schema) =>
    schema.createTable('line', (table) => {
      table.bigInteger('id').primary()
      table.text('body')
    }),
}

const { database: defaults } = loadConfig({ env: {} })

async function openIn(t: TestContext, folder: string, filename?: string): Promise<ServerDatabase> {
  const database = await openDatabase({ ...defaults, filename }, folder, silentLogger)
  t.after(() => database.close())
  return database
}

/** Counts up to a number that takes a while. A plain select, as a plugin's report would be. */
function slowSelect(knex: Knex) {
  const counter = knex.raw('select 1 as n union all select n + 1 from counter where n < 2000000')
  return knex.withRecursive('counter', counter).from('counter').count({ rows: '*' })
}

async function timed(work: PromiseLike<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}

test('a slow query does not keep the event loop from turning', async (t) => {
  const { knex } = (await openIn(t, await temporaryFolder(t))).forPlugin('lines')
  await knex('ofVersion').select() // the reader's thread is up
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const took = await timed(slowSelect(knex))
  delay.disable()
  assert.ok(took > 100, `the query took only ${took} ms, so this shows nothing`)
  assert.ok(delay.max / 1e6 < took / 2, `the event loop stood still for ${delay.max / 1e6} of ${took} ms`)
})

test('neither appends nor short selects wait for a long one', async (t) => {
  const database = await openIn(t, await temporaryFolder(t))
  database.separateReads()
  await database.migrate('lines', [table])
  const lines = database.forPlugin('lines')
  const appender = lines.appender('line', ['id', 'body'])
  let isSlowDone = false
  const slow = slowSelect(lines.knex).then(() => {
    isSlowDone = true
  })
  await appender.append({ id: 1, body: 'x' })
  assert.equal((await lines.knex('line').select('id')).length, 1)
  assert.equal(isSlowDone, false)
  await slow
})

test('selects in a transaction see what it has written', async (t) => {
  const database = await openIn(t, await temporaryFolder(t))
  await database.migrate('lines', [table])
  const lines = database.forPlugin('lines')
  await lines.transaction(async (trx) => {
    await trx('line').insert({ id: 1, body: 'x' })
    assert.deepEqual(await trx('line').pluck('id'), [1])
    assert.deepEqual(await lines.knex('line').transacting(trx).pluck('id'), [1])
  })
})

test('a database in memory is one for all queries', async (t) => {
  const database = await openIn(t, '/nowhere', ':memory:')
  await database.migrate('lines', [table])
  const lines = database.forPlugin('lines')
  await lines.appender('line', ['id', 'body']).append({ id: 1, body: null })
  assert.deepEqual(await lines.knex('line').select(), [{ id: 1, body: null }])
  assert.deepEqual(await lines.transaction((trx) => trx('line').first()), { id: 1, body: null })
})

test('a file that is no database is a clear error, and the file is left alone', async (t) => {
  const folder = await temporaryFolder(t)
  const filename = join(folder, 'notes.txt')
  await writeFile(filename, 'These are the notes of some meeting.\n'.repeat(50))
  await assert.rejects(openIn(t, folder, filename), /file is not a database/)
  assert.equal((await stat(filename)).size, 37 * 50)
})

test('the file can be read by its owner alone', async (t) => {
  const folder = await temporaryFolder(t)
  const database = await openIn(t, folder)
  await database.migrate('lines', [table])
  for (const name of ['beaconfire.sqlite', 'beaconfire.sqlite-wal']) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
})

test('every row that was acknowledged is there after the process was killed in the middle of writing', async (t) => {
  const folder = await temporaryFolder(t)
  const before = await openDatabase(defaults, folder, silentLogger)
  await before.migrate('lines', [table])
  await before.close()
  const script = fileURLToPath(new URL('../../test/support/append-rows.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for await (const chunk of child.stdout) {
    output += chunk
    if (output.length > 20_000 && !child.killed) child.kill('SIGKILL')
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit')
  const acknowledged = output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number)
  const { knex } = (await openIn(t, folder)).forPlugin('lines')
  const stored = new Set(await knex('line').pluck('id'))
  assert.ok(acknowledged.length > 1000)
  assert.deepEqual(
    acknowledged.filter((id) => !stored.has(id)),
    [],
  )
  assert.deepEqual(await knex.raw('pragma integrity_check'), [{ integrity_check: 'ok' }])
})

test('a short select gives the same rows when there are few, when there are many, and of bytes', async (t) => {
  const database = await openIn(t, await temporaryFolder(t))
  await database.migrate('lines', [table])
  const lines = database.forPlugin('lines')
  const appender = lines.appender('line', ['id', 'body'])
  await Promise.all(Array.from({ length: 1000 }, (_, id) => appender.append({ id, body: `line ${id}` })))
  const upTo = (id: number) => lines.read<{ id: number; body: string }>('select id, body from line where id < ? order by id', [id])
  const expected = (count: number) => Array.from({ length: count }, (_, id) => ({ id, body: `line ${id}` }))
  for (const count of [0, 1, 200, 201, 1000]) assert.deepEqual(await upTo(count), expected(count))
  const bytes = new Uint8Array([0, 255])
  assert.deepEqual(await lines.read('select ? as bytes', [bytes]), [{ bytes: Buffer.from(bytes) }])
  await assert.rejects(lines.read('select missing from line', []), /no such column/)
})
