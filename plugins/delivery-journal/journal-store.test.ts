import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onBothEngines } from '../../test/support/engines.js'
import { dateColumn, JournalStore, tables } from './journal-store.js'

onBothEngines((newStore) => {
  test('rows are numbered, read in order behind a number, and removed', async (t) => {
    const database = await (await newStore(t)).open()
    await database.migrate('delivery-journal', tables)
    const store = new JournalStore(database.forPlugin('delivery-journal'))
    const refuse = (error: unknown) => assert.fail(String(error))
    const rows = ['Ünïcode 😀', 'b', 'x'.repeat(200_000)].map((stanza) => ({
      journalID: 0,
      username: 'juliet',
      creationDate: dateColumn(1_700_000_000_123),
      stanza,
    }))
    await Promise.all(rows.map((row) => store.append(row, refuse)))
    const all = await store.read(10, -1)
    assert.deepEqual(
      all.map(({ username, stanza, at }) => [username, stanza, at.getTime()]),
      rows.map(({ stanza }) => ['juliet', stanza, 1_700_000_000_123]),
    )
    const [first, second, third] = all.map((it) => it.journalID)
    assert.deepEqual([(await store.read(10, first as number)).length, await store.count()], [2, 3])
    await store.remove([first as number, third as number])
    assert.deepEqual(
      (await store.read(10, -1)).map((it) => it.journalID),
      [second],
    )
  })
})
