import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AdminError, Jid } from '@beaconfire/plugin-sdk'
import { archive, createArchive, END, ROOM, START, turn } from '../../test/support/openfire-archive-rows.js'
import { type OpenfireStore, onMariaDbOpenfire, sqliteOpenfire } from '../../test/support/openfire-store.js'
import { adminRoutes } from './admin-routes.js'
import { ChatLogStore } from './chat-log-store.js'
import { tables } from './chat-log-tables.js'
import { OpenfireArchive } from './openfire-archive.js'

interface Page {
  readonly items: {
    readonly messageID: number
    readonly content: string
    readonly type: string
    readonly sessionJID: string
    readonly receiver: string
  }[]
  readonly nextCursor?: string
  readonly total?: number
}

/** 30 messages of romeo and juliet, one a second; 10 in a room, among them a private one; one without an id. */
async function filled(store: OpenfireStore): Promise<void> {
  await createArchive(store, { ofTwo: 30, inRoom: 10 })
  await store.knex('ofConParticipant').insert([
    { conversationID: 1, joinedDate: START, leftDate: END, bareJID: 'romeo@test', jidResource: 'a' },
    { conversationID: 1, joinedDate: START + 1, leftDate: null, bareJID: 'juliet@test', jidResource: '', nickname: 'J' },
  ])
  for (let id = 1; id <= 30; id++) {
    const stanza = id === 3 ? '<message type="normal"><body>message 3</body></message>' : id === 4 ? '<message' : null
    await archive(store, { messageID: id, ...turn(id, 'romeo@test', 'juliet@test'), seconds: id, body: `message ${id}`, stanza })
  }
  for (let id = 31; id <= 40; id++) {
    const more = id === 40 ? { isPMforJID: 'juliet@test', toJIDResource: 'J' } : {}
    const body = id === 35 ? null : `Room ${id}`
    await archive(store, { messageID: id, from: 'romeo@test', to: ROOM, seconds: id, body, conversationID: 2, ...more })
  }
  await archive(store, { messageID: null, from: 'paris@test', to: 'nurse@test', seconds: 0, body: 'message 0', conversationID: 99 })
}

async function api(store: OpenfireStore) {
  const opened = await store.open()
  await opened.migrate('chatlog', [...tables])
  const database = opened.forPlugin('chatlog')
  const routes = adminRoutes({ store: new ChatLogStore(database), archive: new OpenfireArchive(database), domain: Jid.parse('test') })
  const call = async <T>(path: string, query: object, params: object = {}) => {
    const route = routes.find((it) => it.method === 'GET' && it.path === path)
    assert.ok(route)
    return (await route.handle({ query: { source: 'openfire', ...query }, params, body: {}, administrator: 'test' } as never)) as T
  }
  return { call, list: (query: object) => call<Page>('/chatlogs', query) }
}

function declare(newStore: (t: TestContext) => Promise<OpenfireStore>, engine: string): void {
  test(`messages are found by user, both, room, text and time, page by page (${engine})`, async (t) => {
    const store = await newStore(t)
    await filled(store)
    const { list } = await api(store)
    const ids = async (query: object) => (await list({ limit: 100, ...query })).items.map((it) => it.messageID)
    const all = Array.from({ length: 40 }, (_, i) => 40 - i)
    assert.deepEqual(await ids({ user: 'romeo' }), all)
    assert.deepEqual(await ids({ user: 'juliet' }), [40, ...all.filter((it) => it <= 30)])
    assert.deepEqual(await ids({ user: 'juliet', with: 'romeo', order: 'oldest' }), [...all.filter((it) => it <= 30).reverse(), 40])
    assert.deepEqual(await ids({ room: ROOM, order: 'oldest' }), [31, 32, 33, 34, 35, 36, 37, 38, 39, 40])
    assert.deepEqual(await ids({ room: ROOM, user: 'juliet' }), [])
    assert.deepEqual(await ids({ text: 'MESSAGE 2', user: 'romeo' }), [29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 2])
    assert.deepEqual(await ids({ user: 'romeo', from: String(START + 5000), to: String(START + 8000) }), [7, 6, 5])
    assert.equal((await list({ total: true, limit: 1 })).total, 41)
    assert.deepEqual(await ids({ user: 'nurse' }), [0])

    const seen: number[] = []
    let cursor: string | undefined
    do {
      const page: Page = await list({ user: 'romeo', limit: 7, ...(cursor && { cursor }) })
      seen.push(...page.items.map((it) => it.messageID))
      cursor = page.nextCursor
    } while (cursor)
    assert.deepEqual(seen, all)
  })

  test(`a message is shown with its conversation and who took part (${engine})`, async (t) => {
    const store = await newStore(t)
    await filled(store)
    const { call, list } = await api(store)
    const one = await call<{ detail: string; type: string; conversation: object }>('/chatlogs/:messageId', { at: START + 3000 }, { messageId: 3 })
    assert.deepEqual([one.type, one.detail.startsWith('<message')], ['normal', true])
    assert.deepEqual(one.conversation, {
      conversationID: 1,
      startDate: START,
      lastActivity: END,
      messageCount: 30,
      participants: [
        { jid: 'romeo@test/a', joined: START, left: END },
        { jid: 'juliet@test', nickname: 'J', joined: START + 1 },
      ],
    })
    const shown = new Map((await list({ limit: 100, user: 'romeo' })).items.map((it) => [it.messageID, it]))
    assert.deepEqual([shown.get(4)?.type, shown.get(31)?.type, shown.get(31)?.sessionJID], ['chat', 'groupchat', 'romeo@test/a'])
    assert.deepEqual([shown.get(40)?.type, shown.get(40)?.receiver, shown.get(35)?.content], ['chat', 'juliet@test', ''])
    await assert.rejects(
      call('/chatlogs/:messageId', { at: 1 }, { messageId: 3 }),
      (error) => error instanceof AdminError && error.statusCode === 404,
    )
    await assert.rejects(call('/chatlogs/:messageId', {}, { messageId: 3 }), (error) => error instanceof AdminError && error.statusCode === 400)
  })

  test(`a cursor of one source is refused for the other, and an archive that is not there is named (${engine})`, async (t) => {
    const store = await newStore(t)
    const without = await api(store)
    await assert.rejects(without.list({}), (error) => error instanceof AdminError && error.statusCode === 404)
    await filled(store)
    const { nextCursor } = await without.list({ limit: 1 })
    await assert.rejects(without.list({ source: 'own', cursor: nextCursor }), /source=openfire/)
    assert.deepEqual((await without.list({ source: 'own' })).items, [])
  })
}

declare((t) => sqliteOpenfire(t, { version: 40 }), 'SQLite')
onMariaDbOpenfire((newOpenfire) => declare(newOpenfire, 'MariaDB'))
