import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines } from '../test/support/engines.js'
import { createMissingTable } from './create-missing-table.js'
import type { Database, Migration } from './database.js'
import { NumberedAppender } from './numbered-appender.js'

type NoteRow = { noteID: number; body: string }

const notes: Migration = {
  version: 1,
  up: (_schema, details) =>
    createMissingTable(details, 'notes', (table) => {
      table.bigInteger('noteID').notNullable().primary()
      table.string('body', 20).unique()
    }),
}

onBothEngines((newStore) => {
  async function open(t: Parameters<typeof newStore>[0], laidOver: Partial<Database> = {}) {
    const server = await (await newStore(t)).open()
    await server.migrate('notes', [notes])
    const database = { ...server.forPlugin('notes'), ...laidOver }
    const appender = new NumberedAppender<NoteRow, 'noteID'>(database, 'notes', ['noteID', 'body'], 'noteID', 1234)
    const refused: string[] = []
    return { database, appender, refused, append: (row: { body: string }) => appender.appendTogether(row, (_, { body }) => refused.push(body)) }
  }

  test('of a row that gets no number whoever appended it is told, and it can be appended again', async (t) => {
    let tries = 0
    const { database, append, appender, refused } = await open(t, {
      nextId: () => (tries++ === 0 ? Promise.reject(new Error('no ids')) : Promise.resolve(5)),
    })
    const row = { body: 'a' }
    const stored = append(row)
    assert.equal(appender.pending, 1)
    await assert.rejects(stored, /no ids/)
    assert.deepEqual(refused, ['a'])
    await append(row)
    assert.deepEqual(await database.knex('notes'), [{ noteID: 5, body: 'a' }])
    assert.equal(appender.pending, 0)
  })

  test('of rows that wait for their numbers the refused one is told apart', async (t) => {
    const { append, refused } = await open(t)
    const outcomes = await Promise.allSettled(['a', 'b', 'a'].map((body) => append({ body })))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
    assert.deepEqual(refused, ['a'])
  })

  test('a row that was stored before anybody could say so is found when it is appended again', async (t) => {
    const { database, append, appender } = await open(t)
    const rows = ['a', 'b'].map((body) => ({ noteID: 0, body }))
    await Promise.all(rows.map(append))
    await Promise.all(rows.map((row) => appender.appendAgain(row, () => assert.fail('it is stored'))))
    assert.equal((await database.knex('notes')).length, 2)
  })
})
