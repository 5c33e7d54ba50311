import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Migration } from '@beaconfire/plugin-sdk'
import { onBothEngines } from '../../test/support/engines.js'
import { MigrationError } from './migration-error.js'

const notes: Migration = {
  version: 1,
  up: (schema) =>
    schema.createTable('note', (table) => {
      table.integer('id').primary()
      table.string('author', 100).notNullable()
    }),
}
const titles: Migration = {
  version: 2,
  up: (schema) => schema.alterTable('note', (table) => void table.string('title', 50)),
}

onBothEngines((newStore, client) => {
  test('steps run once, in order, and the version is kept under the name of their owner', async (t) => {
    const store = await newStore(t)
    const first = await store.open()
    await first.migrate('notes', [titles, notes])
    await first.forPlugin('notes').knex('note').insert({ id: 1, author: 'a', title: 'b' })
    await first.close()
    const second = await store.open()
    await second.migrate('notes', [notes, titles])
    const { knex } = second.forPlugin('notes')
    assert.deepEqual(await knex('ofVersion').select('name', 'version'), [{ name: 'notes', version: 2 }])
    assert.equal((await knex('note')).length, 1)
  })

  test('a step that fails is named, keeps its version from being written, and is run again the next time', async (t) => {
    const database = await (await newStore(t)).open()
    let isBroken = true
    const filled: Migration = {
      version: 2,
      async up(_schema, { knex }) {
        await knex('note').insert({ id: 1, author: 'a' })
        if (isBroken) throw new Error('out of luck')
      },
    }
    await assert.rejects(database.migrate('notes', [notes, filled]), { name: 'MigrationError', message: 'migration 2 of notes failed: out of luck' })
    const { knex } = database.forPlugin('notes')
    assert.deepEqual(await knex('ofVersion').select('version'), [{ version: 1 }])
    assert.deepEqual(await knex('note'), [])
    isBroken = false
    await database.migrate('notes', [notes, filled])
    assert.equal((await knex('note')).length, 1)
  })

  test('tables of a later version are refused and left alone', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('notes', [notes, titles])
    await assert.rejects(database.migrate('notes', [notes]), (error) => {
      assert.ok(error instanceof MigrationError)
      assert.match(error.message, /notes are of version 2, but this version of it knows them up to 1/)
      return true
    })
    assert.deepEqual(await database.forPlugin('notes').knex('ofVersion').select('version'), [{ version: 2 }])
  })

  const undone: Migration = { ...titles, down: (schema) => schema.alterTable('note', (table) => void table.dropColumn('title')) }
  const colours: Migration = {
    version: 3,
    up: (schema) => schema.alterTable('note', (table) => void table.string('colour', 50)),
    down: (schema) => schema.alterTable('note', (table) => void table.dropColumn('colour')),
  }

  test('steps that were run just now are taken back, last first, and others are not', async (t) => {
    const database = await (await newStore(t)).open()
    const { knex } = database.forPlugin('notes')
    await database.migrate('notes', [notes])
    const later = await database.migrate('notes', [notes, undone, colours])
    assert.equal(await later.undo(), undefined)
    assert.deepEqual(await knex('ofVersion').select('version'), [{ version: 1 }])
    assert.deepEqual(await Promise.all(['author', 'title', 'colour'].map((it) => knex.schema.hasColumn('note', it))), [true, false, false])
    await database.migrate('notes', [notes])
  })

  test('what was made where there was nothing stays', async (t) => {
    const database = await (await newStore(t)).open()
    const made = await database.migrate('notes', [{ ...notes, down: (schema) => schema.dropTable('note') }, undone])
    assert.equal(await made.undo(), undefined)
    assert.deepEqual(await database.forPlugin('notes').knex('ofVersion').select('version'), [{ version: 2 }])
  })

  test('a step without a down stays, and so do those before it; it is said what to do', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('notes', [notes])
    const both = await database.migrate('notes', [notes, titles])
    assert.match((await both.undo()) ?? '', /the tables of notes stay at version 2, since migration 2 has no down: .* install a mended later version/)
    const third = await database.migrate('notes', [notes, titles, { ...colours, down: () => Promise.reject(new Error('out of luck')) }])
    assert.match((await third.undo()) ?? '', /stay at version 3, since down of migration 3 failed: out of luck/)
    assert.deepEqual(await database.forPlugin('notes').knex('ofVersion').select('version'), [{ version: 3 }])
  })

  test('a step that fails takes those back that were run before it', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('notes', [notes])
    const fails: Migration = { version: 3, up: () => Promise.reject(new Error('out of luck')) }
    await assert.rejects(database.migrate('notes', [notes, undone, fails]), { message: 'migration 3 of notes failed: out of luck' })
    assert.deepEqual(await database.forPlugin('notes').knex('ofVersion').select('version'), [{ version: 1 }])
    await assert.rejects(database.migrate('notes', [notes, titles, fails]), /out of luck; the tables of notes stay at version 2/)
  })

  test('tables of a later version are tolerated for what has served on them', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('notes', [notes, titles])
    assert.equal((await database.migrate('notes', [notes], 1)).version, 2)
    await assert.rejects(database.migrate('notes', [notes], 0), MigrationError)
  })

  test('steps with a gap in their numbers are refused before any runs', async (t) => {
    const database = await (await newStore(t)).open()
    await assert.rejects(database.migrate('notes', [notes, { ...titles, version: 3 }]), /found 3 in place of 2/)
    assert.equal(await database.forPlugin('notes').knex.schema.hasTable('note'), false)
  })

  test('two servers that migrate at the same time run each step once', async (t) => {
    const store = await newStore(t)
    const [one, other] = [await store.open(), await store.open()]
    let runs = 0
    const counted = [notes, titles].map((step) => ({
      ...step,
      async up(...details: Parameters<Migration['up']>) {
        runs++
        await step.up(...details)
      },
    }))
    await Promise.all([one.migrate('notes', counted), other.migrate('notes', counted)])
    assert.equal(runs, 2)
    assert.deepEqual(await one.forPlugin('notes').knex('ofVersion').select('version'), [{ version: 2 }])
  })

  test('a server that waits for another to migrate goes on when the step of that is committed', async (t) => {
    if (client === 'sqlite') return // the transaction itself is the lock
    const database = await (await newStore(t)).open()
    const { knex } = database.forPlugin('notes')
    const order: string[] = []
    knex.on('query', ({ sql }: { readonly sql: string }) => {
      const found = /^commit|(?<=^select )(?:get|release)_lock/i.exec(sql)
      if (found) order.push(found[0].toLowerCase().replace(';', ''))
    })
    await database.migrate('notes', [notes, titles])
    const ofStep = ['get_lock', 'commit', 'release_lock']
    assert.deepEqual(order, [...ofStep, ...ofStep])
  })

  test('a step that fails lets go of the lock', async (t) => {
    const store = await newStore(t)
    const [one, other] = [await store.open(), await store.open()]
    await assert.rejects(one.migrate('notes', [{ version: 1, up: () => Promise.reject(new Error('out of luck')) }]))
    await other.migrate('notes', [notes])
  })

  test('a step may take a column away from a table that others refer to', async (t) => {
    const database = await (await newStore(t)).open()
    const referring: Migration = {
      version: 2,
      async up(schema, { knex }) {
        await schema.createTable('tag', (table) => {
          table.integer('note').notNullable().references('id').inTable('note').onDelete('CASCADE')
        })
        await knex('note').insert({ id: 1, author: 'a' })
        await knex('tag').insert({ note: 1 })
      },
    }
    const dropped: Migration = { version: 3, up: (schema) => schema.alterTable('note', (table) => void table.dropColumn('author')) }
    await database.migrate('notes', [notes, referring, dropped])
    const { knex } = database.forPlugin('notes')
    assert.deepEqual(await knex('note'), [{ id: 1 }])
    assert.deepEqual(await knex('tag'), [{ note: 1 }])
    await knex('note').del()
    assert.deepEqual(await knex('tag'), []) // foreign keys are in force again
  })

  test('tables compare text byte by byte and hold every character', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('notes', [notes])
    const { knex } = database.forPlugin('notes')
    await knex('note').insert([
      { id: 1, author: 'rené 🔥' },
      { id: 2, author: 'RENE 🔥' },
    ])
    assert.deepEqual(await knex('note').where({ author: 'rené 🔥' }).pluck('id'), [1])
    if (client === 'mysql') {
      const [[created]] = (await knex.raw('show create table note')) as [[Record<string, string>]]
      assert.match(created['Create Table'] ?? '', /utf8mb4_bin/)
    }
  })
})
