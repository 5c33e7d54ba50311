import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ColumnValue } from '@beaconfire/plugin-sdk'
import { temporaryFolder } from '../../test/support/engines.js'
import { SqliteConnection } from './sqlite-connection.js'

test('values of every kind arrive in the table as they were handed in', async (t) => {
  const folder = await temporaryFolder(t)
  const connection = await SqliteConnection.open({ filename: `${folder}/rows.sqlite`, readonly: false, synchronous: 'NORMAL' })
  t.after(() => connection.close())
  await connection.query('create table line (id integer primary key, body text, bytes blob)', [])
  const rows: [number, string | null, Uint8Array | null][] = [
    [1, '', null],
    [2, 'Götterdämmerung 😀', Uint8Array.of(0, 255)],
    [3, null, null],
    [2 ** 52, '\u0000 and "quotes"', new Uint8Array()],
    [-4, 'plain', Uint8Array.of(7)],
  ]
  const values: ColumnValue[] = rows.flat()
  const sql = 'insert into line (id, body, bytes) values (?, ?, ?)'
  const failures = await connection.insert([{ table: 'line', columns: ['id', 'body', 'bytes'], sql, width: 3, values }])
  assert.deepEqual(failures, [])
  const stored = (await connection.query('select id, body, bytes from line', [])) as { id: number; body: string; bytes: Buffer | null }[]
  const byId = ([a]: readonly [number, ...unknown[]], [b]: readonly [number, ...unknown[]]) => a - b
  assert.deepEqual(
    stored.map(({ id, body, bytes }) => [id, body, bytes && Uint8Array.from(bytes)]),
    rows.sort(byId),
  )
})
