import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Database, definePlugin, type Message } from '../index.js'
import { startTestServer } from './test-server.js'

/** Keeps what passes: rows by an appender, or by the query builder where the message asks for it. */
function keeper() {
  const given: { database?: Database } = {}
  const plugin = definePlugin({
    name: 'keeper',
    version: '1.0.0',
    tables: [{ version: 1, up: (schema) => schema.createTable('kept', (table) => table.text('body')) }],
    setup: ({ database }) => {
      given.database = database
      const rows = database.appender<{ body: string }>('kept', ['body'])
      return {
        interceptors: [
          {
            name: 'keep',
            band: 'observe',
            when: { stanza: 'message', incoming: true, processed: false },
            interceptPacket: ({ packet, hold }) => hold(rows.append({ body: (packet as Message).body ?? '' })),
          },
        ],
      }
    },
  })
  return { plugin, given }
}

test('a database that fails for one plugin fails for it alone, in each of its ways, until it is mended', async (t) => {
  const { plugin, given } = keeper()
  const server = await startTestServer(t, { plugins: [plugin] })
  const romeo = await server.login('romeo', { resource: 'a' })
  const database = given.database as Database
  const fault = server.breakDatabase({ plugin: 'keeper', fail: new Error('disk full') })
  const diskFull = /disk full/
  await assert.rejects(async () => void (await database.knex('kept').select()), diskFull)
  await assert.rejects(
    database.transaction(async () => undefined),
    diskFull,
  )
  await assert.rejects(database.read('select body from kept', []), diskFull)
  await assert.rejects(database.appender<{ body: string }>('kept', ['body']).append({ body: 'x' }), diskFull)
  assert.equal(fault.hits, 4)
  await server.login('juliet') // core reads and writes accounts

  romeo.send('<message to="romeo@test/a" id="1"><body>lost</body></message>')
  await romeo.receive((el) => el.attrs.type === 'error' && el.attrs.id === '1')
  fault.mend()
  romeo.send('<message to="romeo@test/a" id="2"><body>kept</body></message>')
  await romeo.receive((el) => el.attrs.id === '2')
  // It comes before its row is on disk; rows are written in order.
  await database.appender<{ body: string }>('kept', ['body']).append({ body: 'mark' })
  assert.deepEqual(await database.knex('kept').select(), [{ body: 'kept' }, { body: 'mark' }])
})

test('a slow database keeps rows waiting, which then come in their order', async (t) => {
  const { plugin, given } = keeper()
  const server = await startTestServer(t, { plugins: [plugin] })
  let mend: (() => void) | undefined
  const fault = server.breakDatabase({ plugin: 'keeper', until: new Promise<void>((resolve) => (mend = resolve)) })
  const rows = (given.database as Database).appender<{ body: string }>('kept', ['body'])
  const written: string[] = []
  const first = rows.append({ body: 'first' }).then(() => written.push('first'))
  fault.mend()
  const second = rows.append({ body: 'second' }).then(() => written.push('second'))
  assert.equal(rows.pending, 2)
  assert.deepEqual(await (given.database as Database).knex('kept').select(), [])
  mend?.()
  await Promise.all([first, second])
  assert.deepEqual(written, ['first', 'second'])
  assert.deepEqual(await (given.database as Database).knex('kept').select(), [{ body: 'first' }, { body: 'second' }])
})

test('a fault without a plugin is one of the whole server', async (t) => {
  const server = await startTestServer(t, { plugins: [] })
  const fault = server.breakDatabase({ fail: new Error('gone') })
  await assert.rejects(server.accounts.create({ username: 'romeo', password: 'x' }), /gone/)
  fault.mend()
  await server.login('romeo')
})

test('a fault may be of one operation alone, and appenders say that they are saturated where it tells them to', async (t) => {
  const { plugin, given } = keeper()
  const server = await startTestServer(t, { plugins: [plugin] })
  const fault = server.breakDatabase({ plugin: 'keeper', only: ['row'], fail: new Error('disk full'), saturated: true })
  const database = given.database as Database
  const rows = database.appender<{ body: string }>('kept', ['body'])
  await assert.rejects(rows.append({ body: 'x' }), /disk full/)
  assert.deepEqual(await database.knex('kept').select(), [])
  await database.transaction((trx) => trx('kept').insert({ body: 'y' }))
  assert.equal(typeof (await database.nextId(4711)), 'number')
  assert.deepEqual([fault.hits, rows.isSaturated], [1, true])
  fault.mend()
  assert.equal(rows.isSaturated, false)
})
