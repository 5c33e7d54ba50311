import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines } from '../test/support/engines.js'
import { createMissingTable, type TableColumns } from './create-missing-table.js'
import type { Migration } from './database.js'

const INDEXES = { notes_at_idx: ['at'], notes_author_idx: ['author', 'at'] }

const columns: TableColumns = (t) => {
  t.string('author', 64).notNullable().primary()
  t.bigInteger('at').notNullable()
}

const step = (version: number, indexes: Readonly<Record<string, readonly string[]>>): Migration => ({
  version,
  up: (_schema, details) => createMissingTable(details, 'notes', columns, indexes),
})

onBothEngines((newStore) => {
  test('texts of the table are compared letter by letter', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('notes', [step(1, INDEXES)])
    const { knex } = database.forPlugin('notes')
    await knex('notes').insert(['rene', 'rené', 'Rene'].map((author) => ({ author, at: 1 })))
    assert.equal((await knex('notes').where('author', 'rene')).length, 1)
  })

  test('its keys and indexes are named after it, however they are made', async (t) => {
    const database = await (await newStore(t)).open()
    const tagged = (up: Migration['up']): Migration => ({ version: 2, up })
    await database.migrate('notes', [
      step(1, {}),
      tagged(async (_schema, details) => {
        await createMissingTable(details, 'noteTag', (table) => {
          table.increments('id')
          table.string('author', 64).references('author').inTable('notes')
          table.string('tag').unique()
          table.index(['author', 'tag'])
        })
      }),
    ])
    const { knex } = database.forPlugin('notes')
    await knex.schema.alterTable('noteTag', (table) => {
      table.dropForeign('author')
      table.dropUnique(['tag'])
      table.dropIndex(['author', 'tag'])
    })
  })

  test('a table that is there stays with its rows, and gets the indexes that it lacks', async (t) => {
    const database = await (await newStore(t)).open()
    const { knex } = database.forPlugin('notes')
    await database.migrate('notes', [step(1, { notes_at_idx: INDEXES.notes_at_idx })])
    await knex('notes').insert({ author: 'romeo', at: 1 })
    await database.migrate('notes', [step(1, {}), step(2, INDEXES)])
    assert.equal((await knex('notes')).length, 1)
    for (const name of Object.keys(INDEXES)) await knex.schema.alterTable('notes', (table) => void table.dropIndex([], name))
  })
})
