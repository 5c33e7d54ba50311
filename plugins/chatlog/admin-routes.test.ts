import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminError, Jid } from '@beaconfire/plugin-sdk'
import { adminRoutes } from './admin-routes.js'
import type { ChatLogStore, Order, Position, Selection } from './chat-log-store.js'
import type { ChatLogRow } from './chat-log-tables.js'
import { csvCell } from './export.js'
import type { OpenfireArchive } from './openfire-archive.js'

/** Routes over a store that notes what it is asked and has ten thousand rows for everybody. */
function api() {
  const asked: { selection: Selection; order: Order; after: Position | undefined; limit: number }[] = []
  const deleted: number[] = []
  const store = {
    whenIdle: async () => {},
    read: async (selection: Selection, order: Order, after: Position | undefined, limit: number) => {
      asked.push({ selection, order, after, limit })
      const start = after ? after.messageID + 1 : 1
      return Array.from({ length: Math.max(0, Math.min(limit, 10_001 - start)) }, (_, i) => row(start + i))
    },
    count: async () => 10_000,
    find: async (id: number) => (id <= 10_000 ? row(id) : undefined),
    deleteBefore: async (before: number) => {
      deleted.push(before)
      return 3
    },
  } as unknown as ChatLogStore
  const archive = { isPresent: async () => false } as unknown as OpenfireArchive
  const routes = adminRoutes({ store, archive, domain: Jid.parse('test') })
  const call = async (method: string, path: string, query: object = {}, params: object = {}) => {
    const route = routes.find((it) => it.method === method && it.path === path)
    assert.ok(route?.topLevel)
    return route.handle({ query, params, body: {}, administrator: 'test' } as never) as Promise<Record<string, unknown>>
  }
  return { asked, deleted, call, list: (query: object) => call('GET', '/chatlogs', query) }
}

const row = (messageID: number) => ({ messageID, createDate: 1000, content: `body ${messageID}` }) as ChatLogRow

test('filters reach the store as addresses and times', async () => {
  const { asked, list } = api()
  await list({ user: 'Romeo', with: 'juliet@TEST/home', from: '2026-01-01', to: '2026-01-01T12:00:00.5+01:00', order: 'oldest', limit: 3 })
  await list({ room: 'verona@rooms.test', from: '1000' })
  const day = Date.UTC(2026, 0, 1)
  const [first, second] = asked
  assert.deepEqual(first?.selection, { user: 'romeo@test', with: 'juliet@test', room: undefined, from: day, to: day + 11 * 3_600_000 + 500 })
  assert.equal(first?.order, 'oldest')
  assert.deepEqual([second?.selection.room, second?.selection.from, second?.order], ['verona@rooms.test', 1000, 'newest'])
})

test('a cursor leads to the page behind', async () => {
  const { asked, list } = api()
  const first = await list({ limit: 10, total: true })
  assert.equal((first.items as unknown[]).length, 10)
  assert.equal(first.total, 10_000)
  await list({ limit: 10, cursor: first.nextCursor })
  const { createDate, messageID } = asked[1]?.after ?? {}
  assert.deepEqual([createDate, messageID], [1000, 10])
})

test('a search looks at so many rows for one page, and says where it stopped', async () => {
  const { asked, list } = api()
  const page = await list({ text: 'BODY 1000', limit: 5 })
  assert.deepEqual(
    (page.items as ChatLogRow[]).map((it) => it.messageID),
    [1000, 10_000],
  )
  assert.equal(page.nextCursor, undefined)
  assert.ok(asked.length <= 21)
})

test('a refusal names the parameter', async () => {
  const { list } = api()
  const { nextCursor } = await list({ limit: 1 })
  const cases: [object, string][] = [
    [{ user: 'a b' }, 'user'],
    [{ user: '@test' }, 'user'],
    [{ with: 'juliet' }, 'with'],
    [{ user: 'romeo', with: 'juliet', room: 'r@x' }, 'with'],
    [{ room: 'rooms.test' }, 'room'],
    [{ from: 'yesterday' }, 'from'],
    [{ from: '2026-01-01T00:00:00' }, 'from'],
    [{ to: '2026-13-01' }, 'to'],
    [{ cursor: 'nonsense' }, 'cursor'],
    [{ cursor: Buffer.from('newest.1.2; drop table').toString('base64url') }, 'cursor'],
    [{ cursor: nextCursor, order: 'oldest' }, 'cursor'],
    [{ text: 'x', total: true }, 'total'],
  ]
  for (const [query, field] of cases) {
    await assert.rejects(
      list(query),
      (error) => error instanceof AdminError && error.statusCode === 400 && error.field === `query.${field}`,
      JSON.stringify(query),
    )
  }
})

test('one message by id; an unknown one is 404', async () => {
  const { call } = api()
  assert.equal((await call('GET', '/chatlogs/:messageId', {}, { messageId: 7 })).content, 'body 7')
  await assert.rejects(
    call('GET', '/chatlogs/:messageId', {}, { messageId: 10_001 }),
    (error) => error instanceof AdminError && error.statusCode === 404,
  )
})

test('deletion has to be told which messages, in one way', async () => {
  const { call, deleted } = api()
  await assert.rejects(call('DELETE', '/chatlogs'), AdminError)
  await assert.rejects(call('DELETE', '/chatlogs', { before: '1', olderThanDays: 1 }), AdminError)
  assert.deepEqual(deleted, [])
  assert.deepEqual(await call('DELETE', '/chatlogs', { before: '2026-01-01' }), { deleted: 3 })
  await call('DELETE', '/chatlogs', { olderThanDays: 1 })
  assert.equal(deleted[0], Date.UTC(2026, 0, 1))
  assert.ok(Math.abs(Date.now() - 86_400_000 - (deleted[1] ?? 0)) < 60_000)
})

test('cells of a CSV are quoted where they must be, and never run as formulas', () => {
  assert.equal(csvCell('plain'), 'plain')
  assert.equal(csvCell('a,"b"\nc'), '"a,""b""\nc"')
  for (const start of ['=', '+', '-', '@', '\t']) assert.equal(csvCell(`${start}1`), `'${start}1`)
  assert.equal(csvCell('=HYPERLINK("x","y")'), `"'=HYPERLINK(""x"",""y"")"`)
  assert.equal(csvCell(-5), '-5')
})
